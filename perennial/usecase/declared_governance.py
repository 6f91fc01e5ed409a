"""What only people can state about a use case: its purpose, its owner, its risks and how each of them is measured."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_serializer, model_validator

from perennial.usecase.declared_bias import BiasRules, Selected, Shares, SpelledProtected
from perennial.usecase.spelling import Duration, Frozen

MEASURES = {
    "metric": "the primary metric, or one under `evaluation.also`",
    "guard": "a metric under `evaluation.guards`",
    "slice": "a column under `evaluation.slices`",
    "channel": "a monitored channel",
    "check": "a column with a data check, or `table`",
    "group": "a name under `governance.protected`",
}
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Level = Literal["low", "medium", "high"]


class Measure(Frozen):
    """What measures a risk, written as one of `{guard: roc_auc}`, `{slice: carrier}`, `{channel: level}` and so on."""

    kind: Literal["metric", "guard", "slice", "channel", "check", "group"]
    name: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, value: Any) -> Any:
        if not isinstance(value, dict) or set(value) == {"kind", "name"}:
            return value
        if len(value) != 1 or not set(value) <= MEASURES.keys():
            raise ValueError(
                f"should name one measure, is {value!r}: write {{guard: roc_auc}}, or one of {', '.join(MEASURES)}"
            )
        ((kind, name),) = value.items()
        return {"kind": kind, "name": name}

    @model_serializer
    def _written(self) -> dict[str, str]:
        return {self.kind: self.name}

    @property
    def in_words(self) -> str:
        """For example `guard roc_auc`."""
        return f"{self.kind} {self.name}"

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The form a declaration writes, so that an editor can check one."""
        return {
            "title": "Measure",
            "type": "object",
            "description": "What measures a risk: `{guard: roc_auc}`, `{slice: carrier}`, `{channel: level}`, "
            "`{check: temp}`, `{group: sex}` or `{metric: log_loss}`.",
            "properties": {
                kind: {"type": "string", "minLength": 1, "description": what} for kind, what in MEASURES.items()
            },
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }


class Risk(Frozen):
    """A known risk, what is done about it, and what measures it."""

    risk: str = Field(min_length=1, description="what may go wrong, and for whom")
    likelihood: Level = Field(description="low, medium or high")
    impact: Level = Field(description="low, medium or high")
    measure: str = Field("", description="what is done about it")
    owner: str = Field("", description="the person or role that is responsible for it")
    measured_by: Measure | None = Field(
        None,
        description="the metric, guard, slice, channel, check or protected group whose newest result shows it: "
        "`{guard: roc_auc}`",
    )


class Erasures(Frozen):
    """What happens after rows of persons are erased."""

    models: Literal["retrain", "keep"] = Field(
        "retrain",
        description="models in use that learned from the rows: `retrain` at the next cycle, or `keep` them until "
        "another reason to train",
    )
    reason: str = Field("", description="why the models are kept, for the record; required with `models: keep`")

    @model_validator(mode="after")
    def _kept_for_a_reason(self) -> Erasures:
        if self.models == "keep" and not self.reason.strip():
            raise ValueError("models are kept without a reason: write it as `reason`, or use `models: retrain`")
        return self


class Governance(Frozen):
    """What only people can state about a use case. `perennial dossier` shows it beside what the record proves."""

    risk: Literal["minimal", "limited", "high"] | None = Field(
        None,
        description="what a release requires: `minimal` nothing more; `limited` a dossier in which everything is "
        "stated; `high` that, stages, protected groups, and the approval of two persons. A release that lacks one is "
        "held for a person",
    )
    purpose: str = Field("", description="the intended purpose: which decision the predictions are used for")
    provider: str = Field("", description="the legal person that puts the system into service")
    owner: str = Field("", description="the person or role that is responsible for the use case")
    persons_affected: str = Field("", description="who is affected by the predictions")
    oversight: str = Field("", description="who watches the system, and how they intervene")
    instructions: str = Field("", description="instructions for those who use the predictions, or where they are")
    metrics: str = Field("", description="why the declared metrics are appropriate for this purpose")
    data: str = Field("", description="how the data were obtained, selected and labelled, before they reach the source")
    limits: tuple[str, ...] = Field((), description="known limits: where the predictions should not be used")
    standards: tuple[str, ...] = Field((), description="standards that are applied, or the solutions instead of them")
    conformity: str = Field("", description="where the EU declaration of conformity is")
    license: str = Field("", description="licence of the model, as an SPDX identifier: Apache-2.0")
    approvers: dict[Role, tuple[str, ...]] = Field(
        {},
        description="role → the persons who may approve in it: a held decision is released once every role has "
        "approved, each by another person. By default any one person approves",
    )
    approvals_expire: Duration = Field(
        timedelta(days=14), gt=timedelta(0), description="how long an approval waits for those of the other roles"
    )
    erasure: Erasures = Field(Erasures(), description="what happens with models after rows of persons are erased")
    risk_items: tuple[Risk, ...] = Field((), description="the known risks")
    protected: tuple[SpelledProtected, ...] = Field(
        (),
        description="groups of persons that are compared: columns, numbers in bands `{column: age, bands: [30]}`, or "
        "functions `shop.py:region_of`",
    )
    intersections: tuple[tuple[str, ...], ...] = Field(
        (), description="protected columns whose groups are also compared together: [[sex, age]]"
    )
    selected: Selected | None = Field(
        None, description="which predictions mean that a person gets what is wanted: `{above: 0.5}`, `{top: 10%}`"
    )
    population: dict[str, Shares] = Field(
        {}, description="the population's share of each group, compared with the rows: {sex: {f: 51%, m: 49%}}"
    )
    bias: BiasRules = Field(BiasRules(), description="what holds a release that treats a group worse")
