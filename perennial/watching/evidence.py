"""What an episode is about, measured when it opens: columns, the slice that contributes most, the cost per day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.intervals.cluster_interval import cluster_interval
from perennial.ledger.entries import Evidence, SliceShare

FEWEST_ROWS = 30


def worst_slice(columns: Mapping[str, Sequence[object]], excess: FloatArray) -> SliceShare | None:
    """The slice that contributes most to a mean excess loss, of those with at least `FEWEST_ROWS` rows.

    columns: declared slice → n values. excess: shape (n,), each row's loss beyond what it is compared with.
    contribution: the slice's share of the rows times its mean excess, so the slices of a column add up to the mean.
    None without an excess or without slices.

    >>> worst_slice({"carrier": ["AA"] * 30 + ["UA"] * 30}, np.repeat([0.25, 0.0], 30))
    SliceShare(column='carrier', value='AA', rows=30, share=0.5, mean_excess=0.25, contribution=0.125)
    """
    rows, best = len(excess), None
    for name, values in columns.items():
        texts = np.array(["nothing" if value is None or value != value else str(value) for value in values])
        distinct, codes, counts = np.unique(texts, return_inverse=True, return_counts=True)
        sums = np.bincount(codes, excess, len(distinct))
        for place in np.flatnonzero(counts >= FEWEST_ROWS):
            contribution = float(sums[place] / rows)
            if contribution > (best.contribution if best else 0.0):
                best = SliceShare(
                    column=name,
                    value=str(distinct[place]),
                    rows=int(counts[place]),
                    share=float(counts[place] / rows),
                    mean_excess=float(sums[place] / counts[place]),
                    contribution=contribution,
                )
    return best


def evidence_of_loss(
    columns: Mapping[str, Sequence[object]], excess: FloatArray, days: np.ndarray, *, loss: str
) -> Evidence | None:
    """What rows lose beyond what they are compared with: per day in total, and where most. None without rows.

    excess: shape (n,); of weighted rows, each times its weight, with mean 1. days: shape (n,), the day of each row;
    they sort by time. loss: its name. The cost per day has the interval of a mean of days, which allows for correlation
    between neighbouring ones; none below 15 days.
    """
    if not len(excess):
        return None
    _, codes = np.unique(days, return_inverse=True)
    of_days = np.bincount(codes, excess).astype(np.float64)
    cost, ones = float(of_days.mean()), np.ones(of_days.size, dtype=np.int64)
    around = cluster_interval(cost, of_days - cost, ones, cluster_by="day")
    return Evidence(
        loss=loss,
        cost_per_day=cost,
        rows=len(excess),
        days=of_days.size,
        slice=worst_slice(columns, excess),
        cost_low=around.ci_low if around else None,
        cost_high=around.ci_high if around else None,
    )
