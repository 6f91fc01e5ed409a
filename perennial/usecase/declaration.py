"""What a team declares once about a use case. Everything else follows from it and from what happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from perennial.identity import digest
from perennial.usecase.declared_check import SetAsideLimits, SpelledCheck
from perennial.usecase.declared_evaluation import DEFAULT_METRICS, EvaluationRules
from perennial.usecase.declared_model import Model
from perennial.usecase.declared_schema import Features, Schema
from perennial.usecase.declared_source import LabelSource, SourceConfig
from perennial.usecase.importable import is_own
from perennial.usecase.spelling import Amount, Duration, Frozen
from perennial.usecase.team_files import TeamCode, files_of


class ReleaseRules(Frozen):
    """When a challenger becomes the champion."""

    policy: str = Field(
        "balanced",
        description="balanced: proven better at 5 %, or old and no worse; five_percent_a_year, strict: proven better, "
        "at a share of 5 % for a year's or five years' decisions together; newest_unless_worse: unless proven worse; "
        "blend, blend_learned: half of what was tested and half of the newest refit serve; "
        "hold: a person releases, by approving the decision; or one of an installed package",
    )
    min_gain: Amount = Field(
        0.0,
        description="the gain that a challenger must be proven to exceed, in the primary metric's unit, or as a share "
        "of the champion's value: 1%. A release by age needs no gain",
    )
    refresh_after: Duration = Field(
        timedelta(days=90), description="`balanced`: after so long without a release, no worse is enough"
    )
    patience: Duration | None = Field(
        None,
        gt=timedelta(0),
        description="how long after its training an undecided challenger is looked at again, with more days; without "
        "it the next challenger takes over",
    )
    decisions_a_year: int | None = Field(
        None,
        gt=0,
        le=366,
        description="`five_percent_a_year`, `strict`: how many decisions share the year; default by the batches: "
        "12 by month, 24 by week or shorter (each needs 15 days), 1 by year",
    )
    event_decisions_a_year: int = Field(
        4, ge=0, le=366, description="of these two: how many more, about models that drift or an event asked for"
    )


class Watch(Frozen):
    """When a drift episode opens."""

    tolerance: float = Field(
        0.25, gt=0, description="share of the reference loss by which the champion may become worse"
    )
    unseen_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="share of rows with a category never seen in training that is too much, above the share that was "
        "usual so long after training",
    )
    channels: tuple[str, ...] = Field(
        ("level", "unseen"), description="what is looked at: level, unseen, or a channel of an installed package"
    )


class Triggers(Frozen):
    """What starts a retraining. A person (`perennial train`) and the event `perennial.drift.confirmed` always may."""

    schedule: str | None = Field(None, description="cron line of the scheduled cycle, which then always retrains")
    timezone: str = Field("UTC", description="zone of the schedule")
    on_new_batch: bool = Field(True, description="retrain whenever a batch was accepted")
    on_drift: bool = Field(True, description="retrain when an episode opens")


class Declaration(Frozen):
    """One use case, whole."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,62}$", description="the file's name, and the registered model's: flights"
    )
    description: str = Field("", description="the question that the model answers")
    source: SourceConfig = Field(description="where batches come from")
    schema_: Schema = Field(alias="schema", description="the columns that every batch must have, and what they mean")
    labels: LabelSource | None = Field(None, description="where labels come from that arrive later, in their own files")
    features: Features = Field(description="what the model may see")
    clock: Literal["replay", "wall"] = Field(
        "wall", description="replay: the time is the end of the newest batch; wall: the scheduled start of the run"
    )
    checks: tuple[SpelledCheck, ...] = Field(
        (), description="data checks, each `{expect_…: {arguments}, severity: critical}`"
    )
    look_back: int = Field(
        3,
        ge=0,
        description="so many of the newest batches are compared with their source at every run: one that changed there "
        "is taken in again, as the next revision",
    )
    set_aside: SetAsideLimits = Field(
        SetAsideLimits(), description="how many rows the checks may set aside before they hold the batch"
    )
    model: Model = Field(description="what learns, and from how much of the past")
    evaluation: EvaluationRules = Field(EvaluationRules(), description="how champion and challenger are compared")
    release: ReleaseRules = Field(ReleaseRules(), description="when a challenger becomes the champion")
    watch: Watch = Field(Watch(), description="when a drift episode opens")
    triggers: Triggers = Field(Triggers(), description="what starts a retraining")
    code: SkipJsonSchema[dict[str, str]] = Field(
        {}, description="file → digest of the functions named above; nobody writes it, it is read from the files"
    )

    @property
    def primary(self) -> str:
        """The deciding metric, with the task's default filled in."""
        return self.evaluation.primary or DEFAULT_METRICS[self.schema_.task]

    @property
    def functions(self) -> tuple[str, ...]:
        """Every function of the team's own that is named here."""
        return (*self.model_functions, *(own.function for own in self.evaluation.metrics.values()))

    @property
    def model_functions(self) -> tuple[str, ...]:
        """Those that run in a fit: derived features and estimators."""
        estimators = (self.model.estimator, *(rival.estimator for rival in self.model.rivals))
        return (*self.features.derived, *(estimator for estimator in estimators if is_own(estimator)))

    @property
    def digest(self) -> str:
        """sha256 of the declaration's meaning: spacing, comments and order of fields do not count.

        Nor does a field at its default, so that a new version of Perennial with another field changes no digest.
        The text of the team's own functions does count: with another text the declaration means something else.
        """
        return digest(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    @property
    def model_digest(self) -> str:
        """sha256 of all that decides what is trained; an edit elsewhere restarts no training.

        Beside the declared parts this is the text of the team's functions that run in a fit and, where a search or a
        race chooses what is fitted, the metric that it chooses by.
        """
        decisive = {"schema_", "features", "model"}
        parts = self.model_dump(mode="json", by_alias=True, include=decisive, exclude_defaults=True)
        code = {file: self.code[file] for file in files_of(self.model_functions) if file in self.code}
        chooses = self.model.search is not None or len(self.model.racing) > 1
        chosen_by = {"chosen_by": [self.primary, self.metric_code(self.primary)]} if chooses else {}
        return digest({**parts, **({"code": code} if code else {}), **chosen_by})

    def metric_code(self, name: str) -> str:
        """sha256 of what a metric of the team's own is, with its file's text; empty for one of ours."""
        own = self.evaluation.metrics.get(name)
        if own is None:
            return ""
        file = own.function.partition(":")[0]
        return digest([own.model_dump(mode="json"), self.code.get(file, "")])

    def racing_as(self, rival: str) -> Declaration:
        """The declaration with the model of that name of `model.racing` as its only one. Raises KeyError."""
        return self.model_copy(update={"model": self.model.racing[rival]})

    @property
    def rules(self) -> ReleaseRules:
        """`release` with the planned decisions a year as a number."""
        planned = self.release.decisions_a_year or DECISIONS_A_YEAR.get(getattr(self.source, "batch", "month"))
        return self.release.model_copy(update={"decisions_a_year": planned})


DECISIONS_A_YEAR = {"year": 1, "month": 12, "week": 24, "day": 24, "hour": 24}
"""Decisions that batches of that length bring: days decide from 15 on, so no more than 24."""


@dataclass(frozen=True)
class UseCase:
    """A declaration, the file it was read from, and the team's functions that it names, as they were then.

    Relative paths in it start at `folder`.
    """

    declaration: Declaration
    path: Path
    code: TeamCode

    @property
    def name(self) -> str:
        """The use case's name, which is also the registered model's."""
        return self.declaration.name

    @property
    def folder(self) -> Path:
        """Where the declaration lies, with the team's own functions beside it."""
        return self.path.parent

    def racing_as(self, rival: str) -> UseCase:
        """The use case with that rival as its only model. Raises KeyError."""
        return replace(self, declaration=self.declaration.racing_as(rival))
