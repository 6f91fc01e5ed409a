"""The business channel: what the predictions are worth per day, by the value that the declaration names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import figure, interval_in_words, percent, sample
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters
from perennial.ledger.entries import Reference
from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.channels.level import level, measure

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
        schema = on.declaration.schema_
        local = on.labelled[schema.time].dt.tz_convert(schema.timezone).dt.normalize()
        return business(
            on.labels,
            on.predicted,
            on.clusters,
            evaluated.worths.get(name) if evaluated else None,
            metric=metric,
            tolerance=on.declaration.watch.tolerance,
            days=int(local.nunique()),
        )


CHANNEL = Business()
