"""The columns of a batch, their meaning, and the ones a model may use."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from perennial.sources.column_type import ColumnType
from perennial.usecase.built_in import columns_read
from perennial.usecase.spelling import Duration, Frozen


def _class(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"a class is text or a whole number, is {value!r}: write it in quotes")
    return value


def _missing(value: Any) -> Any:
    words = list(value.values()) if isinstance(value, dict) else [value]
    for word in words:
        if word not in ("hold", "go_on"):
            raise ValueError(f"should be hold or go_on, is {word!r}: write go_on, or {{weight: go_on}}")
    return value


MissingColumn = Annotated[
    Any,
    BeforeValidator(
        _missing,
        json_schema_input_type=Literal["hold", "go_on"] | dict[str, Literal["hold", "go_on"]],
    ),
]
Class = Annotated[Any, BeforeValidator(_class, json_schema_input_type=str | int)]


class Schema(Frozen):
    """The columns that every batch must have, and their meaning."""

    key: tuple[str, ...] = Field(min_length=1, description="columns that together identify a row, permanently")
    time: str = Field(description="when the row's event happened")
    target: str = Field(description="what the model predicts")
    task: Literal["binary", "multiclass", "regression"] = Field(
        description="`binary` targets are 0/1, false/true, no/yes or negative/positive as named below, `multiclass` "
        "ones are listed under classes"
    )
    positive: Class | None = Field(
        None, description="`binary`: the value of the target that means 1, such as bad, Y or 2"
    )
    negative: Class | None = Field(None, description="`binary`: the value that means 0, such as good, N or 1")
    classes: tuple[Class, ...] = Field(
        (), description="`multiclass`: every value of the target, all text or all whole numbers"
    )
    timezone: str = Field("UTC", description="calendar for days and months, and the zone of times without one")
    decimal: Literal[".", ","] = Field(".", description="decimal separator of numbers in CSV files")
    label_known_after: Duration = Field(
        timedelta(0), description="how long after the event the label in the row becomes known"
    )
    label_known_at: str | None = Field(
        None,
        description="column with the time at which the label in the row became known (instead of label_known_after)",
    )
    weight: str | None = Field(
        None,
        description="column with a positive number for each row: how much it counts, relative to the others, in "
        "fits, metrics and intervals; by default all rows count the same. Rows to score need none",
    )
    plausible_gap: Duration = Field(
        timedelta(days=180),
        gt=timedelta(0),
        description="up to one row in twenty that is this much later than all others of its batch is set aside as "
        "implausibly late, so that a mistyped year does not move the clock",
    )
    future: bool = Field(
        False, description="whether rows may be later than today, such as simulated data on a replay clock"
    )
    types: dict[str, ColumnType] = Field(
        {},
        description="types of columns that are neither features nor named above, such as {zip: text, paid: timestamp}",
    )

    @model_validator(mode="after")
    def _both_answers(self) -> Schema:
        if (self.positive is None) != (self.negative is None):
            lacks, there = ("negative", "positive") if self.negative is None else ("positive", "negative")
            raise ValueError(f"{there} is named without {lacks}: name both values of the target")
        if self.positive is not None and self.task != "binary":
            raise ValueError(f"positive and negative are for binary, the task is {self.task}: remove them")
        if self.positive is not None and str(self.positive).strip() == str(self.negative).strip():
            raise ValueError("positive and negative are the same value: name the two values of the target")
        return self

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
    def hidden(self) -> tuple[str, ...]:
        """The columns that no model sees, and that rows to score need not have."""
        return tuple(name for name in (self.target, self.label_known_at, self.weight) if name is not None)

    @property
    def answer(self) -> str | None:
        """The column in which two texts stand for 1 and 0: a binary target, or None."""
        return self.target if self.task == "binary" else None

    @property
    def truths(self) -> tuple[str, str] | None:
        """The texts of a binary target that stand for 1 and 0; None for `yes` and `no`."""
        if self.positive is None:
            return None
        return str(self.positive).strip(), str(self.negative).strip()


class Features(Frozen):
    """The columns the model may use. Columns under `never` are known only after the event."""

    numeric: tuple[str, ...] = Field((), description="columns of numbers")
    categorical: tuple[str, ...] = Field((), description="columns of names or codes")
    derived: tuple[str, ...] = Field(
        (),
        description="built-in features of a column of times: `hour_of:COLUMN` (0 to 23), `weekday_of:COLUMN` (1 for "
        "Monday to 7) and `month_of:COLUMN` in schema.timezone, `days_since:COLUMN` (days of 24 hours from that time "
        "to the event's); your own functions, as `file.py:function`",
    )
    never: tuple[str, ...] = Field(
        (), description="known only after the event: not allowed as features, hidden from derived functions"
    )

    missing_column: MissingColumn = Field(
        "hold",
        description="what happens to a batch that lacks a feature's column (numeric, categorical, or read by a "
        "built-in derived feature): `hold` it, or `go_on` with it missing in every row; for all features, or by "
        "column: {weight: go_on}",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are features as they are."""
        return (*self.numeric, *self.categorical)

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The columns that are features, and those that built-in derived features read."""
        return tuple(dict.fromkeys((*self.columns, *columns_read(self.derived))))

    def goes_on_without(self, column: str) -> bool:
        """Whether a batch that lacks this column is taken in with the feature missing."""
        if isinstance(self.missing_column, str):
            return column in self.columns_read and self.missing_column == "go_on"
        return self.missing_column.get(column) == "go_on"

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Features:
        if not (self.numeric or self.categorical or self.derived):
            raise ValueError("no feature is named: list columns under numeric, categorical or derived")
        return self
