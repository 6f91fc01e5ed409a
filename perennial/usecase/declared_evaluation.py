"""The declared rules for comparing champion and challenger."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from perennial.usecase.spelling import Frozen, Share

DEFAULT_METRICS = {"binary": "log_loss", "multiclass": "log_loss", "regression": "mae"}


class Guard(Frozen):
    """A limit on a metric that a release must respect: a loss of at most `margin`, or a fixed bound."""

    margin: float | None = Field(None, gt=0, description="the largest accepted loss, in the unit of the metric")
    at_least: Share | None = Field(None, description="smallest accepted value of the challenger")
    at_most: Share | None = Field(None, description="largest accepted value of the challenger")

    @model_validator(mode="after")
    def _one_of_them(self) -> Guard:
        if len([each for each in (self.margin, self.at_least, self.at_most) if each is not None]) != 1:
            raise ValueError("a guard has one of margin, at_least and at_most: {margin: 0.005}")
        return self


class OwnMetric(Frozen):
    """A custom metric: a function of (labels, predictions), both arrays of numbers."""

    function: str = Field(description="`file.py:function`, in a file next to the declaration")
    per: Literal["row", "all"] = Field(
        "row", description="`row`: one number per row, whose mean counts (money); `all`: one number for all rows"
    )
    direction: Literal["lower", "higher"] = Field("higher", description="which values are better")


def _clusters(value: Any) -> str:
    """Which form of clusters is given: a list is a column, everything else a calendar unit."""
    return "clusters:column" if isinstance(value, list | tuple) else "clusters:calendar"


Clusters = Annotated[
    Annotated[Literal["day", "week"], Tag("clusters:calendar")]
    | Annotated[Annotated[tuple[str, ...], Field(min_length=1, max_length=2)], Tag("clusters:column")],
    Discriminator(_clusters),
]


class EvaluationRules(Frozen):
    """How champion and challenger are compared."""

    primary: str = Field("", description="the metric that decides; by default mae for regression, otherwise log_loss")
    guards: dict[str, Guard] = Field(
        {}, description="metrics that a release must not worsen by more than a margin, or must keep within a bound"
    )
    also: tuple[str, ...] = Field((), description="metrics that are shown but never decide")
    metrics: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], OwnMetric] = Field(
        {}, description="custom metrics by name, for primary, guards and also"
    )
    slices: tuple[str, ...] = Field(
        (), description="columns of names or codes: a release must not harm the rows with any one value"
    )
    slice_harm: Share = Field(
        0.1,
        gt=0,
        le=1,
        description="share of a slice's loss that counts as harm; slices too small to show it are listed",
    )
    cluster_by: Clusters = Field(
        "day", description="groups of correlated rows: day, week, [column], or two-way: [day, column]"
    )

    @property
    def cluster_name(self) -> str:
        """The name of the clusters: day, week, or the column."""
        return self.cluster_by if isinstance(self.cluster_by, str) else self.cluster_by[0]

    @property
    def second_cluster(self) -> str | None:
        """The second column within which rows are correlated, besides days or weeks; None without one."""
        return self.cluster_by[1] if len(self.cluster_by) == 2 and not isinstance(self.cluster_by, str) else None
