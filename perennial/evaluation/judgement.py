"""One metric's verdict, from its two values and the clusters' sums alone, so that a decision can be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from perennial.evaluation.arrays import FloatArray, Sizes
from perennial.evaluation.intervals.cluster_interval import cluster_interval, undecidable_clusters
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.mde import ALPHA, minimal_detectable_effect
from perennial.evaluation.intervals.pooled import Inflation
from perennial.evaluation.intervals.row_t import row_t
from perennial.evaluation.intervals.student_t import LEVEL, lower_bound, p_at_most
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.results import Interval, MetricResult, SecondClusters, Verdict

ROUNDING = 1e-12


@dataclass(frozen=True)
class Asked:
    """A metric to compare by.

    margin: how much worse a guard may become, in the metric's unit. at_least, at_most: bounds on the challenger's own
    value. metric: None for a built-in one, which is looked up by name. own_code: digest of a custom metric.
    """

    name: str
    role: Literal["primary", "guard", "info"]
    margin: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    metric: Metric | None = None
    own_code: str = ""

    @property
    def is_bounded(self) -> bool:
        """Whether the challenger's own value has a bound."""
        return self.at_least is not None or self.at_most is not None


Amount = TypeVar("Amount", float, FloatArray)


def gain_of(direction: Literal["lower", "higher"], champion: Amount, challenger: Amount) -> Amount:
    """How much better the challenger is, in values or row by row; positive means better, whatever the direction.

    >>> gain_of("lower", 0.5, 0.25), gain_of("higher", 0.5, 0.25)
    (0.25, -0.25)
    """
    return champion - challenger if direction == "lower" else challenger - champion


@dataclass(frozen=True)
class GainSums:
    """What a verdict on one metric needs: computed from rows, or read from a recorded decision to replay it.

    champion, challenger: the metric's values. sums, counts: shape (T,), in time order, each cluster's influence on
    the gain (together 0) and rows, or n times its share of the weight.
    sum_of_squares: of the rows' influence, for `row_t`. cluster_by: the clusters' name.
    undecidable: the metric's own reason why nothing can be decided, if any.
    second: the variance of the gain by a second clustering.
    challenger_sums: shape (T,), of the influence on the challenger's own value, if that has a bound.
    """

    direction: Literal["lower", "higher"]
    champion: float
    challenger: float
    sums: FloatArray
    counts: Sizes
    sum_of_squares: float
    cluster_by: str = "day"
    undecidable: str | None = None
    second: SecondClusters | None = None
    challenger_sums: FloatArray | None = None


def judge(asked: Asked, of: GainSums, *, seen: Inflation | None = None, level: float = LEVEL) -> MetricResult:
    """The gain with its intervals, the smallest detectable gain, and the verdict.

    seen: what earlier decisions showed about the correlation of this metric's neighbouring clusters.

    Verdicts, each at one-sided 5 %: better; non_inferior if a margin is given and the loss is proven
    smaller than it (the challenger may still be worse within it); worse; no_difference_shown.
    """
    champion, challenger, sums, counts, cluster_by = of.champion, of.challenger, of.sums, of.counts, of.cluster_by
    second, challenger_sums = of.second, of.challenger_sums
    gain = gain_of(of.direction, champion, challenger)
    interval = cluster_interval(gain, sums, counts, cluster_by=cluster_by, seen=seen, second=second, level=level)
    few = undecidable_clusters(counts, cluster_by, second)
    why_not = "; ".join(reason for reason in (few, of.undecidable) if reason)
    shown = interval if not why_not else None
    own = None
    if challenger_sums is not None and not why_not:
        own = cluster_interval(challenger, challenger_sums, counts, cluster_by=cluster_by, level=level)
    verdict, note = "not_decidable", why_not
    if shown is not None:
        if max(abs(gain), shown.se) <= ROUNDING * max(abs(champion), abs(challenger)):
            shown = shown.model_copy(update={"p_value": 0.5})
            note = "the two models predict the same"
        verdict = _verdict(gain, shown, asked.margin)
    return MetricResult(
        name=asked.name,
        role=asked.role,
        direction=of.direction,
        champion=champion,
        challenger=challenger,
        gain=gain,
        ci_low=shown.ci_low if shown else None,
        ci_high=shown.ci_high if shown else None,
        lower_bound=lower_bound(gain, shown.se, shown.df, ALPHA) if shown else None,
        p_value=shown.p_value if shown else None,
        df=shown.df if shown else None,
        se=shown.se if shown else None,
        margin=asked.margin,
        mde=minimal_detectable_effect(shown.se, shown.df) if shown else None,
        verdict=verdict,
        note=note,
        day_t=day_t(gain, sums, counts, level=level),
        row_t=row_t(gain, of.sum_of_squares, round(float(counts.sum())), level=level),
        sums=tuple(sums.tolist()),
        sum_of_squares=of.sum_of_squares,
        inflation=seen.factor if seen and shown else None,
        inflation_seen_in=seen.decisions if seen and shown else 0,
        second=second,
        at_least=asked.at_least,
        at_most=asked.at_most,
        of_challenger=own,
        challenger_sums=() if challenger_sums is None else tuple(challenger_sums.tolist()),
        own_code=asked.own_code,
    )


def without_values(asked: Asked, direction: Literal["lower", "higher"], why: str) -> MetricResult:
    """The result of a metric that is undefined on these rows: unknown values are None, never 0."""
    return MetricResult(
        name=asked.name,
        role=asked.role,
        direction=direction,
        champion=None,
        challenger=None,
        gain=None,
        ci_low=None,
        ci_high=None,
        lower_bound=None,
        p_value=None,
        df=None,
        se=None,
        margin=asked.margin,
        mde=None,
        verdict="not_decidable",
        note=why,
        at_least=asked.at_least,
        at_most=asked.at_most,
        own_code=asked.own_code,
    )


def _verdict(gain: float, shown: Interval, margin: float | None) -> Verdict:
    if shown.p_value < ALPHA:
        return "better"
    if margin is not None and p_at_most(gain, shown.se, shown.df, -margin) < ALPHA:
        return "non_inferior"
    return "worse" if 1 - shown.p_value < ALPHA else "no_difference_shown"
