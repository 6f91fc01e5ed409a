"""The estimated loss: what the champion's own probabilities lead to expect if labels are late. Information only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.figures import change, figure, interval_in_words, sample
from perennial.evaluation.intervals.cluster_interval import cluster_interval, too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.weights import relative
from perennial.ledger.entries import Reference
from perennial.ledger.entries.watching import Severity
from perennial.store.rows import weights_of
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.statistics.calibrator import Calibrator
from perennial.watching.statistics.cbpe import ESTIMATED, estimated

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched


def estimated_loss(
    predicted: FloatArray,
    codes: IntArray,
    reference: Reference,
    *,
    metric: Metric,
    calibrators: tuple[Calibrator, ...],
    tolerance: float,
    weights: FloatArray | None = None,
) -> Found:
    """The expected metric of a batch and its 95 % interval by day, compared with the champion's reference.

    predicted: shape (n,) or (n, K). codes: shape (n,), the day of each row, 0..D−1. metric: the reference's.
    weights: shape (n,), with mean 1; None if all rows count the same.
    The interval holds the chance of the days, not a change of concept. The alarm needs it to be wholly worse than the
    reference by more than the tolerance.
    """
    guessed = estimated(metric, predicted, calibrators, weights)
    if guessed is None:
        return unknown(f"The loss is not estimated for {metric.name}; possible are {', '.join(ESTIMATED)}.")
    value, influence = guessed
    counts = np.bincount(codes)
    sizes = counts if weights is None else sums_of_clusters(weights, codes, counts.size)
    few = too_few_clusters(counts.size, "day")
    sums = sums_of_clusters(influence, codes, counts.size)
    around = None if few else cluster_interval(value, sums, sizes, cluster_by="day")
    sign = 1 if metric.direction == "lower" else -1
    worsening, threshold = sign * (value - reference.value), tolerance * abs(reference.value)
    size = sample(len(predicted), counts.size, "day")
    about = f"Without labels, {metric.name} {figure(value)} is expected on {size} (reference {figure(reference.value)}"
    if around is None:
        return Found(worsening, threshold, False, False, f"{about}); its interval is unknown: {few}.")
    low = sign * ((around.ci_low if sign > 0 else around.ci_high) - reference.value)
    words = (
        f"{about}, worse by {change(worsening)}; "
        f"{interval_in_words(around.ci_low, around.ci_high)}). "
        "It assumes that inputs and target are related as before."
    )
    return Found(worsening, threshold, low > threshold, worsening <= threshold, words)


@dataclass(frozen=True)
class EstimatedLoss:
    """The channel."""

    name: str = "estimated_loss"
    question: str = "What loss is to be expected, before labels are known?"
    statistic: str = "confidence-based performance estimation (Kivimäki, Białek & Kuberski 2025), interval by day"
    unit: str = "the reference metric's"
    blind_to: str = "every change of the relation between inputs and target; regression is not offered"
    may_retrain: bool = False
    severity: Severity = "info"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """The champion's probabilities for every accepted row of the batch."""
        if on.declaration.schema_.task == "regression":
            return unknown("The loss of a regression is not estimated: predictions of numbers carry no probabilities.")
        statistics = on.statistics
        evaluated = statistics.evaluated if statistics else None
        if statistics is None or evaluated is None:
            return unknown("The loss is not estimated: no evaluation of this champion is stored.")
        if evaluated.calibrators is None:
            return unknown(
                "The loss is not estimated: of some class, the champion's evaluation has too few rows to calibrate "
                f"probabilities ({evaluated.rows:,} in all)."
            )
        schema = on.declaration.schema_
        return estimated_loss(
            statistics.predicted,
            statistics.days.codes,
            on.reference,
            metric=on.metric,
            calibrators=evaluated.calibrators,
            tolerance=on.declaration.watch.tolerance,
            weights=relative(weights_of(on.rows, schema)),
        )


CHANNEL = EstimatedLoss()
