"""How champion and challenger are compared, as a declaration says it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from perennial.usecase.spelling import Frozen, Share

DEFAULT_METRICS = {"binary": "log_loss", "multiclass": "log_loss", "regression": "mae"}


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


class EvaluationRules(Frozen):
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
