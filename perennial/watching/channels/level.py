"""The level channel: does the champion lose more than where it was evaluated?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import change, figure, percent, sample
from perennial.evaluation.intervals.cluster_interval import cluster_interval, too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Clusters
from perennial.evaluation.results import Interval
from perennial.ledger.entries import LossWithInterval, Reference

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Severity, Watched

ALPHA = 0.025


@dataclass(frozen=True)
class Measured:
    """A model's metric on some rows with its interval; both may be None, and `why` then gives the reason."""

    value: float | None
    interval: Interval | None
    rows: int
    clusters: int
    why: str = ""


@dataclass(frozen=True)
class LevelFinding:
    """The champion's current level.

    loss: with its 95 % interval; None if unknown.
    worsening: how much worse than the reference, in the metric's unit; positive is worse.
    lower_bound: of the worsening, one-sided 97.5 %. threshold: the largest tolerated worsening.
    alarm: proven worse by more than that. back: within the tolerance as far as known. Neither if unknown.
    words: the finding in a sentence. severity: None, the channel's.
    """

    loss: LossWithInterval | None
    worsening: float | None
    lower_bound: float | None
    threshold: float
    alarm: bool
    back: bool
    words: str
    severity: Severity | None = None

    @property
    def value(self) -> float | None:
        """The worsening."""
        return self.worsening


def measure(metric: Metric, y: FloatArray, predictions: FloatArray, clusters: Clusters) -> Measured:
    """One model's metric with its cluster interval.

    y, predictions: shape (n,), of the same rows as `clusters`. Needs 15 days or weeks, or 5 groups.
    """
    labels, predicted, counts = np.asarray(y, dtype=np.float64), np.asarray(predictions), clusters.counts
    if labels.size == 0:
        return Measured(None, None, 0, 0, too_few_clusters(0, clusters.name) or "")
    broken = int((~np.isfinite(labels)).sum() + (~np.isfinite(predicted)).sum())
    if broken:
        return Measured(None, None, labels.size, counts.size, f"{broken:,} labels or predictions are not finite")
    try:
        value, influence = metric.value_and_influence(labels, predicted)
    except Undefined as why:
        return Measured(None, None, labels.size, counts.size, str(why))
    why_not = too_few_clusters(counts.size, clusters.name) or metric.unmeasurable(labels, predicted)
    if why_not:
        return Measured(value, None, labels.size, counts.size, why_not)
    sums = sums_of_clusters(influence, clusters.codes, counts.size)
    interval = cluster_interval(value, sums, counts, cluster_by=clusters.name)
    return Measured(value, interval, labels.size, counts.size)


def reference_of(
    metric: Metric, y: FloatArray, predictions: FloatArray, clusters: Clusters, *, declared: str = ""
) -> Reference | None:
    """A model's metric on its evaluation rows, which later batches are compared with. None if it cannot be measured.

    declared: digest of the declaration that defines the metric, if it is a custom one.
    """
    measured = measure(metric, y, predictions, clusters)
    if measured.value is None or measured.interval is None:
        return None
    return Reference(
        metric=metric.name,
        value=measured.value,
        se=measured.interval.se,
        df=measured.interval.df,
        rows=measured.rows,
        clusters=measured.clusters,
        declared=declared,
    )


def level(
    y: FloatArray,
    predictions: FloatArray,
    clusters: Clusters,
    reference: Reference,
    *,
    metric: Metric,
    tolerance: float,
) -> LevelFinding:
    """Compare the champion's metric on a batch with its reference.

    y, predictions: shape (n,), labels and the champion's predictions of the batch's labelled rows.
    clusters: of these rows. metric: the reference's.
    tolerance: share of the reference that may be lost.
    The worsening's standard error combines both samples', with Welch–Satterthwaite degrees of freedom; an alarm
    requires its one-sided 97.5 % lower bound to be above tolerance × reference.
    """
    threshold = tolerance * abs(reference.value)
    measured = measure(metric, y, predictions, clusters)
    if measured.value is None or measured.interval is None:
        seen = "" if measured.value is None else f" ({reference.metric} {figure(measured.value)})"
        return LevelFinding(None, None, None, threshold, False, False, f"The level is unknown: {measured.why}{seen}.")
    lower_is_better = metric.direction == "lower"
    worsening = (measured.value - reference.value) * (1 if lower_is_better else -1)
    lower_bound = worsening - _half_width(measured.interval, reference)
    alarm, back = lower_bound > threshold, worsening <= threshold
    loss = LossWithInterval(
        value=measured.value,
        ci_low=measured.interval.ci_low,
        ci_high=measured.interval.ci_high,
        reference=reference.value,
    )
    verdict = (
        f"proven worse than where it was evaluated, by more than the {percent(tolerance)} that is tolerated"
        if alarm
        else f"within the {percent(tolerance)} that is tolerated"
        if back
        else f"worse by more than the {percent(tolerance)} that is tolerated, which may be chance"
    )
    words = (
        f"The champion is {verdict}: {reference.metric} {figure(measured.value)} (reference {figure(reference.value)}, "
        f"worse by {change(worsening)}, at least {change(lower_bound)}, tolerated {figure(threshold, 3)}) "
        f"on {sample(measured.rows, measured.clusters, clusters.name)}."
    )
    return LevelFinding(loss, worsening, lower_bound, threshold, alarm, back, words)


def _half_width(interval: Interval, reference: Reference) -> float:
    """The half-width of the worsening's two-sided 95 % interval. Source: Welch (1947), Satterthwaite (1946)."""
    variance, of_reference = interval.se**2, reference.se**2
    both = variance + of_reference
    if both == 0:
        return 0.0
    df = both**2 / (variance**2 / interval.df + of_reference**2 / reference.df)
    return float(special.stdtrit(df, 1 - ALPHA)) * both**0.5


@dataclass(frozen=True)
class Level:
    """The channel."""

    name: str = "level"
    question: str = "Does the champion lose more than where it was evaluated?"
    statistic: str = "loss of the newest labelled rows less the reference, one-sided 97.5 % bound (Welch 1947)"
    unit: str = "the reference metric's"
    blind_to: str = "losses small beside the noise of batch or reference; and seasons, which look like decay"
    may_retrain: bool = True
    severity: Severity = "warning"
    may_page: bool = True

    def look(self, on: Watched) -> LevelFinding:
        """The live model on the labelled rows, compared with the champion's reference."""
        tolerance = on.declaration.watch.tolerance
        return level(on.labels, on.predicted, on.clusters, on.reference, metric=on.metric, tolerance=tolerance)


CHANNEL = Level()
