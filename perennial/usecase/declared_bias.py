"""Which groups of persons are compared, and which predictions count as selected."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from perennial.usecase.declared_schema import Class
from perennial.usecase.spelling import Frozen, Number, Share

LIMITS = ("above", "below", "top", "bottom", "classes")


MOST_GROUPS = 50
"""Of one column, or of several together. Their names stay in the ledger, so they must not single out persons."""


class Protected(Frozen):
    """What groups are compared: a column, `sex`; numbers in bands, `{column: age, bands: [30, 45]}`; or a function."""

    column: str = Field("", description="a column of every batch; it need not be a feature")
    function: str = Field(
        "",
        description="instead of a column, your own function, `shop.py:region_of`: it takes the rows with all their "
        "columns but label and weight, and returns each row's group as text, a whole number or a boolean; a missing "
        "value is an unknown group",
    )
    name: str = Field("", description="what the groups are called; by default as the column or the function")
    bands: tuple[Number, ...] = Field(
        (), description="`[30, 45]`: under 30, 30 to under 45, 45 and over; for a column of numbers"
    )

    @model_validator(mode="after")
    def _column_or_function(self) -> Protected:
        if bool(self.column) == bool(self.function):
            raise ValueError("names a column or a function: {column: sex}, {function: shop.py:region_of}")
        if self.bands and self.function:
            raise ValueError("bands are for a column; let the function return its band")
        return self

    @property
    def called(self) -> str:
        """The name, by default that of the column or the function."""
        return self.name or self.column or self.function.rpartition(":")[2]

    @property
    def band_names(self) -> tuple[str, ...]:
        """Each band in words, the lowest first; empty without bands."""
        if not self.bands:
            return ()
        spelled = [f"{each:g}" for each in self.bands]
        between = [f"{low} to under {high}" for low, high in pairwise(spelled)]
        return (f"under {spelled[0]}", *between, f"{spelled[-1]} and over")


def _as_written(value: Any) -> Any:
    """A text is a column, or a function if it names a file."""
    return {"function" if is_function(value) else "column": value} if isinstance(value, str) else value


def is_function(text: str) -> bool:
    """Whether a protected group is a custom function, `file.py:function`, rather than a column."""
    return ".py:" in text


SpelledProtected = Annotated[Protected, BeforeValidator(_as_written, json_schema_input_type=str | Protected)]


class Selected(Frozen):
    """Which predictions mean that a person gets what is wanted."""

    above: Number | None = Field(None, description="predictions of at least this")
    below: Number | None = Field(None, description="predictions under this, where a low one is wanted")
    top: Share | None = Field(None, gt=0, lt=1, description="this share of rows, those with the highest predictions")
    bottom: Share | None = Field(None, gt=0, lt=1, description="this share of rows, those with the lowest predictions")
    classes: tuple[Class, ...] = Field((), description="`multiclass`: the wanted classes")

    @model_validator(mode="after")
    def _one_of_them(self) -> Selected:
        if len([each for each in LIMITS if getattr(self, each) not in (None, ())]) != 1:
            raise ValueError(f"names one of {', '.join(LIMITS)}: {{above: 0.5}}")
        return self

    @property
    def in_words(self) -> str:
        """For example `predictions of at least 0.5`."""
        if self.classes:
            return f"predicted class {' or '.join(map(str, self.classes))}"
        if self.above is not None:
            return f"predictions of at least {self.above:g}"
        if self.below is not None:
            return f"predictions under {self.below:g}"
        share, end = (self.top, "highest") if self.top is not None else (self.bottom, "lowest")
        return f"the {end} {float(share or 0) * 100:g} % of predictions"


GatedMeasure = Literal[
    "selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "calibration", "loss"
]
OF_ERRORS: tuple[GatedMeasure, ...] = ("true_positive_rate", "false_positive_rate", "false_negative_rate")
"""The measures that compare who is selected with whose label is wanted."""


def _gate(value: Any) -> str:
    """Which form is given: true or false, everything else is a list of measures."""
    return "gate:all" if isinstance(value, bool) else "gate:measures"


Gate = Annotated[
    Annotated[bool, Tag("gate:all")] | Annotated[tuple[GatedMeasure, ...], Field(min_length=1), Tag("gate:measures")],
    Discriminator(_gate),
]


class BiasRules(Frozen):
    """What is proven before a release is held."""

    gate: Gate = Field(
        True,
        description="hold a release for a person if it is proven that a group's selection rate is under `ratio` of "
        "the others', unless the live model selects that group as rarely; or a list of measures that hold one: "
        "selection_rate, true_positive_rate and false_positive_rate under `ratio` of the others', "
        "false_negative_rate over 1/`ratio` times the others', calibration or loss that differs by over 1 − `ratio`",
    )
    no_groups: str = Field("", description="why no groups are compared, such as that no persons are affected")
    ratio: Share = Field(0.8, gt=0, le=1, description="the lowest accepted ratio of selection rates")

    @property
    def gated(self) -> tuple[str, ...]:
        """The measures that hold a release; with the gate off, the selection rate, which is then only reported."""
        return ("selection_rate",) if isinstance(self.gate, bool) else self.gate


Shares = dict[Annotated[str, Field(min_length=1)], Share]
