"""The business channel: what the predictions are worth per day, by the value that the declaration names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import figure, interval_in_words, percent, sample
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters
from perennial.ledger.entries import DailyValue, Reference
from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.channels.level import half_width, level
from perennial.watching.channels.measured import measure
from perennial.watching.inputs_in_parts import days_in

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched


def business(
    y: FloatArray,
    predicted: FloatArray,
    clusters: Clusters,
    reference: Reference | None,
    *,
    metric: Metric,
    tolerance: float,
    days: int,
) -> Found:
    """The value per day and its interval, and per row against the champion's evaluation.

    metric: the mean value of a row. reference: of the champion's evaluation. days: on which the rows happened.
    The alarm is that of the level channel: proven worse per row by more than the tolerance.
    """
    measured = measure(metric, y, predicted, clusters)
    if measured.value is None or measured.interval is None or not days:
        return unknown(f"The value {metric.name} is unknown: {measured.why}.")
    per_day = measured.rows / days
    low, high = measured.interval.ci_low * per_day, measured.interval.ci_high * per_day
    words = (
        f"The value {metric.name} is {figure(measured.value * per_day, 4)} per day "
        f"({interval_in_words(low, high, lambda value: figure(value, 4))}; {figure(measured.value, 4)} per row) on "
        f"{sample(measured.rows, measured.clusters, clusters.name)}"
    )
    if reference is None:
        return Found(measured.value * per_day, None, False, False, f"{words}; the champion's evaluation has none.")
    compared = level(y, predicted, clusters, reference, metric=metric, tolerance=tolerance)
    limit = (reference.value - compared.threshold * (1 if metric.direction == "higher" else -1)) * per_day
    verdict = "proven worse than" if compared.alarm else "not proven worse than"
    words += f", {verdict} {percent(tolerance)} below that of the evaluation, {figure(reference.value, 4)} per row."
    return Found(measured.value * per_day, limit, compared.alarm, compared.back, words)


def lost_value(on: Watched) -> DailyValue | None:
    """How far the value per day is below that of the champion's evaluation, with its 95 % interval.

    None if no value is declared, or the evaluation or the labelled rows have none with an interval. The interval holds
    the chance of both samples: Welch (1947).
    """
    if not on.worths or on.statistics is None or on.statistics.evaluated is None:
        return None
    name, metric = next(iter(on.worths.items()))
    reference = on.statistics.evaluated.worths.get(name)
    measured = measure(metric, on.labels, on.predicted, on.clusters)
    if reference is None or measured.value is None or measured.interval is None:
        return None
    days = days_with_labels(on)
    per_day = measured.rows / days
    lost = (reference.value - measured.value) * (1 if metric.direction == "higher" else -1)
    half = half_width(measured.interval, reference)
    low, high = (each * per_day for each in (lost - half, lost + half))
    return DailyValue(name=name, lost=lost * per_day, low=low, high=high, rows=measured.rows, days=days)


def days_with_labels(on: Watched) -> int:
    """How many days of the declared time zone the labelled rows happened on."""
    schema = on.declaration.schema_
    return int(days_in(on.labelled, schema.time, schema.timezone).days.size)


@dataclass(frozen=True)
class Business:
    """The channel."""

    name: str = "business"
    question: str = "What are the predictions worth per day?"
    statistic: str = "the first custom metric with one number per row, per day, interval by cluster (Welch 1947)"
    unit: str = "the value's, per day"
    blind_to: str = "what another model would have been worth on the same days: see gap"
    may_retrain: bool = False
    severity: Severity = "warning"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """The live model on the labelled rows."""
        if not on.worths:
            return unknown("No value is declared: name a function under evaluation.metrics with `per: row`.")
        name, metric = next(iter(on.worths.items()))
        statistics = on.statistics
        evaluated = statistics.evaluated if statistics else None
        return business(
            on.labels,
            on.predicted,
            on.clusters,
            evaluated.worths.get(name) if evaluated else None,
            metric=metric,
            tolerance=on.declaration.watch.tolerance,
            days=days_with_labels(on),
        )


CHANNEL = Business()
