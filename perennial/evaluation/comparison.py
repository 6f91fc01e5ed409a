"""Champion against challenger on the same rows, metric by metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from perennial.errors import TerminalError
from perennial.evaluation.arrays import IntArray
from perennial.evaluation.figures import UNITS, counted
from perennial.evaluation.fixed_point import exact_sum
from perennial.evaluation.intervals.cluster_interval import too_few_clusters
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.intervals.dependence import (
    autocorrelation,
    effective_clusters,
    largest_cluster_share,
    skewness,
)
from perennial.evaluation.intervals.pooled import Inflation
from perennial.evaluation.intervals.student_t import LEVEL
from perennial.evaluation.intervals.two_way import second_clusters
from perennial.evaluation.judgement import Asked, GainSums, gain_of, judge, without_values
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Paired
from perennial.evaluation.results import Evaluation, MetricResult, Weighted


class ComparisonFailed(TerminalError):
    """The two models cannot be compared on these rows, so the challenger is not released."""

    code = "comparison-failed"


def compare(
    rows: Paired,
    *,
    metrics: Sequence[Asked],
    seen: Mapping[str, Inflation | None] | None = None,
    level: float = LEVEL,
) -> tuple[MetricResult, ...]:
    """Both models' values and the paired gain with its interval, for each metric asked for, in that order.

    seen: by metric, what earlier decisions showed of neighbouring clusters.
    Raises ComparisonFailed if a label or prediction is missing, infinite or not a probability. Rows are never dropped
    and gaps never filled to obtain a number.

    >>> from perennial.evaluation.paired import paired
    >>> day = np.repeat(np.arange(20), 100)
    >>> y = np.tile([1.0, 0.0], 1000)
    >>> rows = paired(y, np.where(y == 1, 0.5, 0.4), np.where(y == 1, 0.6, 0.4), day)
    >>> (brier,) = compare(rows, metrics=[Asked("brier", "primary")])
    >>> round(brier.gain, 6), brier.verdict
    (0.045, 'better')
    """
    loaded = [asked.metric or load_metric(asked.name) for asked in metrics]
    _refuse_gaps(rows, of_probabilities=any("regression" not in m.tasks for m in loaded))
    return tuple(
        _compare_by(metric, asked, rows, (seen or {}).get(asked.name), level)
        for metric, asked in zip(loaded, metrics, strict=True)
    )


def describe(
    results: Sequence[MetricResult],
    cluster_rows: IntArray,
    cluster_names: Sequence[str],
    *,
    cluster_by: str,
    labelled_share: float,
    first: str,
    last: str,
    digest: str,
    weighted: Weighted | None = None,
) -> Evaluation:
    """The evaluation rows, and how the primary metric's clusters are correlated.

    Only days and weeks have an order, so autocorrelation is None for the clusters of a column.

    results: of `compare`. cluster_rows: shape (T,), each cluster's rows. cluster_names: T names in the same order.
    labelled_share: the share of eligible rows whose label is known, 0 to 1.
    first, last: times of the first and last row's event. digest: of the rows.
    weighted: None if all rows weigh the same.
    """
    if cluster_rows.size != len(cluster_names):
        raise ValueError(f"{cluster_rows.size} clusters have {len(cluster_names)} names")
    primary = next((r for r in results if r.role == "primary"), None)
    sums = np.array(primary.sums if primary else (), dtype=np.float64)
    return Evaluation(
        rows=int(cluster_rows.sum()),
        clusters=cluster_rows.size,
        cluster_by=cluster_by,
        cluster_names=tuple(cluster_names),
        cluster_rows=tuple(cluster_rows.tolist()),
        labelled_share=labelled_share,
        autocorrelation=autocorrelation(sums) if cluster_by in UNITS else None,
        largest_cluster_share=largest_cluster_share(sums),
        skewness=skewness(sums),
        first=first,
        last=last,
        digest=digest,
        effective_clusters=effective_clusters(cluster_rows.size, primary.se, primary.day_t) if primary else None,
        weighted=weighted,
    )


def _compare_by(metric: Metric, asked: Asked, rows: Paired, seen: Inflation | None, level: float) -> MetricResult:
    clusters = rows.clusters
    if rows.y.size == 0:
        return without_values(asked, metric.direction, too_few_clusters(0, clusters.name) or "")
    try:
        before, influence_before = metric.measured(rows.y, rows.champion, clusters.weights)
        after, influence_after = metric.measured(rows.y, rows.challenger, clusters.weights)
    except Undefined as why:
        return without_values(asked, metric.direction, str(why))
    places, count = clusters.codes, clusters.counts.size
    of_challenger = sums_of_clusters(influence_after, places, count) if asked.is_bounded else None
    influence = gain_of(metric.direction, influence_before, influence_after)
    del influence_before, influence_after
    sums, second = sums_of_clusters(influence, places, count), second_clusters(influence, clusters)
    gain_sums = GainSums(
        direction=metric.direction,
        champion=before,
        challenger=after,
        sums=sums,
        counts=clusters.sizes,
        sum_of_squares=exact_sum(np.square(influence, out=influence)),
        cluster_by=clusters.name,
        undecidable=metric.undecidable(rows.y, rows.champion, rows.challenger),
        second=second,
        challenger_sums=of_challenger,
    )
    return judge(asked, gain_sums, seen=seen, level=level)


def _refuse_gaps(rows: Paired, *, of_probabilities: bool) -> None:
    y, models = rows.y, {"champion": rows.champion, "challenger": rows.challenger}
    if missing := int((~np.isfinite(y)).sum()):
        raise ComparisonFailed(
            f"{missing:,} of {counted(y.size, 'label', 'labels')} {_are(missing)} missing or infinite\n"
            "  the challenger is not released; compare only rows whose label is known"
        )
    if models["champion"].ndim == 2:
        classes, wrong = models["champion"].shape[1], "not of a declared class"
        fix = "list every class under schema.classes"
    else:
        classes, wrong, fix = 2, "neither 0 nor 1", "a binary target must be 0 or 1"
    if of_probabilities and (other := int((~np.isin(y, np.arange(classes))).sum())):
        raise ComparisonFailed(
            f"{other:,} of {counted(y.size, 'label', 'labels')} {_are(other)} {wrong}\n"
            f"  the challenger is not released; {fix}"
        )
    for name, predictions in models.items():
        broken = _rows_where(~np.isfinite(predictions))
        if broken:
            raise ComparisonFailed(
                f"the {name}'s predictions are missing or infinite for {broken:,} of {y.size:,} rows\n"
                "  the challenger is not released; the live model stays live"
            )
        if of_probabilities and (outside := _rows_where((predictions < 0) | (predictions > 1))):
            raise ComparisonFailed(
                f"the {name}'s predictions are not probabilities (below 0 or above 1) for {outside:,} of {y.size:,} "
                "rows\n  the challenger is not released; the estimator needs predict_proba"
            )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _rows_where(flags: npt.NDArray[np.bool_]) -> int:
    return int((flags if flags.ndim == 1 else flags.any(axis=1)).sum())
