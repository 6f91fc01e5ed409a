"""What a comparison found: the shapes that decisions are stored and shown in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from perennial.evaluation.budget import Pool

Outcome = Literal["first", "release", "keep", "undecided", "blocked", "held"]
Verdict = Literal["better", "worse", "no_difference_shown", "non_inferior", "not_decidable"]


class Result(BaseModel):
    """A finding: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(Result):
    """A gain with one method's interval: Student t with `df`, at 95 %."""

    se: float
    df: float
    ci_low: float
    ci_high: float
    p_value: float


class MetricResult(Result):
    """One metric of a comparison. `gain` is positive when the challenger is better, whatever the direction.

    p_value is one-sided, against "the challenger is not better". day_t and row_t are for information.
    sums, sum_of_squares: of the rows' influence on the gain, by cluster and over all rows: all that is needed to
    compute the rest again.
    inflation, inflation_seen_in: by what the variance of days alone was multiplied, and how many earlier decisions
    showed that; None and 0 where these clusters stood alone.
    """

    name: str
    role: Literal["primary", "guard", "info"]
    direction: Literal["lower", "higher"]
    champion: float | None
    challenger: float | None
    gain: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    df: float | None
    se: float | None
    margin: float | None
    mde: float | None
    verdict: Verdict
    note: str = ""
    day_t: Interval | None = None
    row_t: Interval | None = None
    sums: tuple[float, ...] = ()
    sum_of_squares: float | None = None
    inflation: float | None = None
    inflation_seen_in: int = 0


class Evaluation(Result):
    """The rows that judged: how many, in which clusters, and how alike neighbouring clusters are."""

    rows: int
    clusters: int
    cluster_by: str
    cluster_names: tuple[str, ...]
    cluster_rows: tuple[int, ...]
    labelled_share: float
    autocorrelation: float | None
    largest_cluster_share: float | None
    skewness: float | None
    first: str
    last: str
    digest: str


class Policy(Result):
    """The rule that decided, with its parameters, so that the decision can be replayed.

    alpha: what a release could err at, one-sided; None in rows of 0.1.0, which was 5 %. pool: whether an event had
    asked for the challenger. spent: what this year's decisions before could err at together, None without a budget.
    """

    name: str
    parameters: dict[str, Any]
    alpha: float | None = None
    pool: Pool = "planned"
    spent: float | None = None
