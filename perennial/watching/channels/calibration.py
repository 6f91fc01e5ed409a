"""The calibration channel: are the predictions still right on average?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import change, figure, interval_in_words, percent, sample
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import mean_of, weighed
from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.channels.measured import Measured, measure

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched


def gap_of_means(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Mean prediction less mean label, and each row's influence. y, p: shape (n,). weights: shape (n,), with mean 1."""
    gap = p - y
    value = _mean(gap, weights)
    return value, weighed(gap - value, weights)


def _mean(values: FloatArray, weights: FloatArray | None) -> float:
    return float(values.mean()) if weights is None else mean_of(values, weights)


GAP = Metric("mean prediction − mean label", ("binary", "regression"), "lower", gap_of_means, lambda y, a, b: None)


@dataclass(frozen=True)
class _Gap:
    of: str
    observed: float
    predicted: float
    scale: float
    measured: Measured

    @property
    def proven(self) -> float:
        """How far the interval is from 0; 0 if it contains it."""
        interval = self.measured.interval
        return 0.0 if interval is None else max(interval.ci_low, -interval.ci_high, 0.0)


def calibration(
    y: FloatArray,
    predicted: FloatArray,
    clusters: Clusters,
    *,
    classes: tuple[str | int, ...],
    tolerance: float,
) -> Found:
    """Predicted and observed means with an interval by cluster: calibration in the large.

    y: shape (n,), labels, or positions of classes. predicted: shape (n,) or (n, K).
    The gap may be `tolerance` of the observed mean (for several classes, of the class's share). Of numbers that are
    around 0, the mean size is used. The alarm needs the interval to be beyond that.
    """
    gaps = [_gap(name, *pair, clusters) for name, pair in _columns(y, predicted, classes).items()]
    known = [each for each in gaps if each.measured.interval is not None]
    if not known:
        return unknown(f"Calibration is unknown: {gaps[0].measured.why}.")
    most = max(known, key=lambda each: abs(each.measured.value or 0.0) / max(each.scale, 1e-300))
    limit, value = tolerance * most.scale, most.measured.value or 0.0
    around = most.measured.interval
    assert around is not None
    words = (
        f"On average {most.of}{figure(most.predicted, 4)} is predicted and {figure(most.observed, 4)} observed, a gap "
        f"of {change(value)} ({interval_in_words(around.ci_low, around.ci_high, change)}; "
        f"{percent(tolerance)}, {figure(limit, 3)}, is tolerated) on "
        f"{sample(most.measured.rows, most.measured.clusters, clusters.name)}."
    )
    return Found(abs(value), limit, most.proven > limit, abs(value) <= limit, words)


def _columns(
    y: FloatArray, predicted: FloatArray, classes: tuple[str | int, ...]
) -> dict[str, tuple[FloatArray, FloatArray]]:
    if predicted.ndim == 1:
        return {"": (y, predicted)}
    return {f"{name} ": ((y == place).astype(np.float64), predicted[:, place]) for place, name in enumerate(classes)}


def _gap(of: str, y: FloatArray, p: FloatArray, clusters: Clusters) -> _Gap:
    if not y.size:
        return _Gap(of, 0.0, 0.0, 0.0, measure(GAP, y, p, clusters))
    observed = _mean(y, clusters.weights)
    scale = abs(observed) if (y >= 0).all() else _mean(np.abs(y), clusters.weights)
    return _Gap(of, observed, _mean(p, clusters.weights), scale, measure(GAP, y, p, clusters))


@dataclass(frozen=True)
class Calibration:
    """The channel."""

    name: str = "calibration"
    question: str = "Are the predictions still right on average?"
    statistic: str = "mean prediction less mean label of the newest labelled rows, 95 % interval by cluster"
    unit: str = "the prediction's"
    blind_to: str = "errors that cancel out on average; a better ranking or a worse one"
    may_retrain: bool = False
    severity: Severity = "warning"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """The live model's predictions for the labelled rows."""
        classes, tolerance = on.declaration.schema_.classes, on.declaration.watch.tolerance
        return calibration(on.labels, on.predicted, on.clusters, classes=classes, tolerance=tolerance)


CHANNEL = Calibration()
