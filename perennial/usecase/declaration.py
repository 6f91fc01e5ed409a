"""The declaration of a use case. Everything else follows from it and from the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from perennial.identity import digest
from perennial.usecase.declared_alerts import Responses, Route
from perennial.usecase.declared_check import SetAsideLimits, SpelledCheck
from perennial.usecase.declared_compute import Compute
from perennial.usecase.declared_evaluation import DEFAULT_METRICS, EvaluationRules
from perennial.usecase.declared_governance import Governance
from perennial.usecase.declared_judge import NEXT_BATCH, Judge
from perennial.usecase.declared_model import Model
from perennial.usecase.declared_schema import Features, Schema
from perennial.usecase.declared_serving import ServingRules
from perennial.usecase.declared_source import LabelSource, SourceConfig
from perennial.usecase.declared_stages import Feedback, Stage
from perennial.usecase.importable import is_own
from perennial.usecase.spelling import Amount, Duration, Frozen, Share
from perennial.usecase.team_files import TeamCode, files_of


class ReleaseRules(Frozen):
    """When a challenger becomes the champion."""

    policy: str = Field(
        "balanced",
        description="balanced: proven better at 5 %, or a refresh by age that is no worse; five_percent_a_year, "
        "strict: proven better at a share of 5 % for all decisions of a year, or of five years; "
        "newest_unless_worse: always, unless proven worse; blend, blend_learned: half the tested champion and half "
        "its newest refit are live; hold: a person approves; or a policy from an installed package",
    )
    min_gain: Amount = Field(
        0.0,
        description="gain that a challenger must be proven to exceed, in the unit of the primary metric, or as a share "
        "of the champion's value, 1%, or of what it is better than a constant, 1% of skill. Not for a release by age",
    )
    refresh_after: Duration = Field(
        timedelta(days=90),
        description="`balanced`: after this time without a release, a challenger that is no worse is released",
    )
    patience: Duration | None = Field(
        None,
        gt=timedelta(0),
        description="how long after its training an undecided challenger is evaluated again, with more days; by "
        "default the next challenger replaces it",
    )
    judge: Judge = Field(
        NEXT_BATCH,
        description="which rows evaluate a challenger: `next_batch`, those that come after its training; or `{newest: "
        "15d}`: it is trained without the newest 15 days and evaluated on them at once, unless an alarm asked for it",
    )
    decisions_a_year: int | None = Field(
        None,
        gt=0,
        le=366,
        description="`five_percent_a_year`, `strict`: planned decisions per year, which share the budget; default by "
        "length of batch: 12 for months, 24 for weeks or shorter (each needs 15 days), 1 for years",
    )
    event_decisions_a_year: int = Field(
        4,
        ge=0,
        le=366,
        description="these two policies: further decisions per year, about models trained after drift or an event",
    )
    serve: Literal["single", "mixture", "recall"] = Field(
        "single",
        description="single: a released challenger is live alone; mixture: half of what is live and half of the "
        "challenger is evaluated, and is live unless the challenger alone is proven better than that; recall: the same "
        "with the past challengers that predicted best lately in place of what is live",
    )
    members: int = Field(2, ge=2, le=5, description="`mixture`: at most how many models are live together")
    stages: tuple[Stage, ...] = Field(
        (),
        description="how a released model reaches all keys, for example `[{shadow: 7d}, {canary: 10%, for: 7d}, "
        "full]`; each stage is left once it has lasted that long and shows no harm. By default it is live at once",
    )
    feedback: Feedback = Field(
        "none",
        description="what the predictions change, which decides how stages compare the models: none; labels: only "
        "some rows get a label because of their prediction; outcome: the label itself or its value",
    )


class Watch(Frozen):
    """The limits above which a drift episode opens."""

    tolerance: float = Field(0.25, gt=0, description="share of the reference loss by which the champion may get worse")
    unseen_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="accepted share of rows with a category not seen in training, above the share that is usual at "
        "that time since training",
    )
    channels: tuple[str, ...] = Field(
        ("level", "unseen"),
        description="channels to monitor: contract, unseen, gap, level, features, predictions, estimated_loss, "
        "calibration, business, age, multivariate, skew, or a channel from an installed package; skew is always "
        "monitored where predictions were served. `init` writes those that may start a retraining",
    )
    fresh_gain: Share = Field(
        0.0,
        ge=0,
        lt=1,
        description="gap: share of the reference loss by which a fresh model must do better: 1%",
    )
    page_per_year: float = Field(
        1.0, gt=0, le=52, description="how many pages per year may be false alarms; measured by calibration"
    )
    respond: Responses = Field(
        Responses(), description="what happens automatically on an episode: `{page: [freeze, roll_back]}`"
    )


def _drift(value: Any) -> str:
    """Which form is given: true or false, everything else is a list of channels."""
    return "drift:any" if isinstance(value, bool) else "drift:channels"


OnDrift = Annotated[
    Annotated[bool, Tag("drift:any")] | Annotated[tuple[str, ...], Tag("drift:channels")], Discriminator(_drift)
]


class Retention(Frozen):
    """How long data are kept that nothing live needs, by the use case's clock. By default they are always kept."""

    landing: Duration | None = Field(
        None, gt=timedelta(0), description="the bytes of batches and label files, from their arrival"
    )
    predictions: Duration | None = Field(
        None, gt=timedelta(0), description="stored and served predictions, from when they were made"
    )
    quarantine: Duration | None = Field(
        None, gt=timedelta(0), description="rows set aside, from their arrival; they are no longer checked again then"
    )


class Triggers(Frozen):
    """What starts a retraining. `perennial train` and the event `perennial.drift.confirmed` can always request one."""

    schedule: str | None = Field(None, description="cron expression of the scheduled cycle, which always retrains")
    timezone: str = Field("UTC", description="time zone of the schedule")
    on_new_batch: bool = Field(True, description="retrain after every accepted batch")
    on_drift: OnDrift = Field(
        True,
        description="retrain when a drift episode opens: true means gap, level, unseen and contract, if they are "
        "monitored, and channels of installed packages that may retrain; or a list of channels. An episode that only "
        "informs, such as a failed warning of a check, starts none, nor does a batch that is held or overdue",
    )

    def retrains(self, channel: str, *, may: bool) -> bool:
        """Whether an episode of a channel starts a retraining. may: whether the channel asks for one by default.

        >>> Triggers(on_drift=("features",)).retrains("features", may=False), Triggers().retrains("gap", may=True)
        (True, True)
        """
        return (may and self.on_drift) if isinstance(self.on_drift, bool) else channel in self.on_drift


class Declaration(Frozen):
    """A use case."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,62}$", description="name of the file and of the registered model: flights"
    )
    description: str = Field("", description="the question the model answers")
    tags: dict[str, str] = Field({}, description="names and values by which a fleet is filtered: `{region: north}`")
    source: SourceConfig = Field(description="where batches come from")
    schema_: Schema = Field(alias="schema", description="the columns that every batch must have, and their meaning")
    labels: LabelSource | None = Field(None, description="where labels come from that arrive later, in separate files")
    features: Features = Field(description="the columns the model may use")
    clock: Literal["replay", "wall"] = Field(
        "wall", description="replay: the time is the end of the newest batch; wall: the scheduled start of the run"
    )
    checks: tuple[SpelledCheck, ...] = Field(
        (), description="data checks, each `{expect_…: {arguments}, severity: critical}`"
    )
    look_back: int = Field(
        3,
        ge=0,
        description="number of newest batches that every run compares with their source; one that changed there is "
        "ingested again, as its next revision",
    )
    set_aside: SetAsideLimits = Field(
        SetAsideLimits(), description="how many rows may be set aside before the batch is held"
    )
    model: Model = Field(description="the estimator and its training window")
    evaluation: EvaluationRules = Field(EvaluationRules(), description="how champion and challenger are compared")
    release: ReleaseRules = Field(ReleaseRules(), description="when a challenger becomes the champion")
    watch: Watch = Field(Watch(), description="when a drift episode opens")
    triggers: Triggers = Field(Triggers(), description="what starts a retraining")
    serving: ServingRules = Field(ServingRules(), description="how single requests are answered")
    governance: Governance = Field(
        Governance(), description="what only people can state: purpose, owner, persons affected, oversight, risks"
    )
    retention: Retention = Field(
        Retention(), description="how long data are kept: `{landing: 2y, predictions: 1y, quarantine: 90d}`"
    )
    compute: Compute = Field(
        Compute(), description="the sizes of the machines that steps run on: `{train: big, default: small}`"
    )
    alerts: dict[str, Route] | None = Field(
        None,
        description="routes of messages by a name of yours. By default warnings and pages go to the address in the "
        "environment variable PERENNIAL_ALERTS, if it is set; `{}`: no messages",
    )
    code: SkipJsonSchema[dict[str, str]] = Field(
        {}, description="file → digest of the functions named above; computed from the files, never written by hand"
    )
    built_in: SkipJsonSchema[dict[str, int]] = Field(
        {}, description="built-in derived feature → its version, which Perennial sets; never written by hand"
    )

    @property
    def primary(self) -> str:
        """The metric that decides, with the default of the task filled in."""
        return self.evaluation.primary or DEFAULT_METRICS[self.schema_.task]

    @property
    def functions(self) -> tuple[str, ...]:
        """Every custom function that the declaration names."""
        return (*self.model_functions, *self.evaluation_functions)

    @property
    def evaluation_functions(self) -> tuple[str, ...]:
        """The functions that run in a decision besides those of the models: metrics and groups of persons."""
        metrics = (own.function for own in self.evaluation.metrics.values())
        return (*metrics, *(each.function for each in self.governance.protected if each.function))

    @property
    def model_functions(self) -> tuple[str, ...]:
        """The functions that run in a fit: derived features and estimators."""
        estimators = (self.model.estimator, *(rival.estimator for rival in self.model.rivals))
        return (*self.features.derived, *(estimator for estimator in estimators if is_own(estimator)))

    @property
    def digest(self) -> str:
        """sha256 of the declaration's meaning: spacing, comments and the order of fields do not count.

        Fields at their defaults do not count either, so a new version of Perennial with another field changes no
        digest. The text of custom functions does count, because another text means another declaration.
        """
        return digest(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    @property
    def model_digest(self) -> str:
        """sha256 of everything that affects training; an edit elsewhere restarts no training.

        This includes the text of custom functions that run in a fit, the versions of built-in features and, with a
        search or a race, the metric used to choose.
        """
        decisive = {"schema_", "features", "model"}
        parts = self.model_dump(mode="json", by_alias=True, include=decisive, exclude_defaults=True)
        parts.get("features", {}).pop("missing_column", None)
        code = {file: self.code[file] for file in files_of(self.model_functions) if file in self.code}
        chooses = self.model.search is not None or len(self.model.racing) > 1
        chosen_by = {"chosen_by": [self.primary, self.metric_code(self.primary)]} if chooses else {}
        versions = {"built_in": self.built_in} if self.built_in else {}
        return digest({**parts, **({"code": code} if code else {}), **versions, **chosen_by})

    def metric_code(self, name: str) -> str:
        """sha256 of a custom metric with the text of its file; empty for a built-in one."""
        own = self.evaluation.metrics.get(name)
        if own is None:
            return ""
        file = own.function.partition(":")[0]
        return digest([own.model_dump(mode="json"), self.code.get(file, "")])

    def racing_as(self, rival: str) -> Declaration:
        """The declaration with only the model of that name in `model.racing`. Raises KeyError."""
        return self.model_copy(update={"model": self.model.racing[rival]})

    @property
    def rules(self) -> ReleaseRules:
        """`release` with the number of planned decisions per year filled in."""
        planned = self.release.decisions_a_year or DECISIONS_A_YEAR.get(getattr(self.source, "batch", "month"))
        return self.release.model_copy(update={"decisions_a_year": planned})


DECISIONS_A_YEAR = {"year": 1, "month": 12, "week": 24, "day": 24, "hour": 24}
"""Decisions per year for each length of batch: a decision needs 15 days, so there are at most 24."""


@dataclass(frozen=True)
class UseCase:
    """A declaration, the file it was read from, and the code of the custom functions it names.

    Relative paths in it start at `folder`.
    """

    declaration: Declaration
    path: Path
    code: TeamCode

    @property
    def name(self) -> str:
        """The name of the use case and of the registered model."""
        return self.declaration.name

    @property
    def folder(self) -> Path:
        """The folder of the declaration and of the custom functions."""
        return self.path.parent

    def racing_as(self, rival: str) -> UseCase:
        """The use case with only that rival as its model. Raises KeyError."""
        return replace(self, declaration=self.declaration.racing_as(rival))
