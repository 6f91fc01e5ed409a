"""What an episode is about, measured when it opens: columns, the slice that contributes most, the cost per day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.intervals.cluster_interval import cluster_interval
from perennial.ledger.entries import Evidence, SliceShare

FEWEST_ROWS = 30


def worst_slice(columns: Mapping[str, Iterable[Sequence[object]]], excess: FloatArray) -> SliceShare | None:
    """The slice that contributes most to a mean excess loss, of those with at least `FEWEST_ROWS` rows.

    columns: declared slice → n values, in parts. excess: shape (n,), each row's loss beyond what it is compared with.
    contribution: the slice's share of the rows times its mean excess, so the slices of a column add up to the mean.
    None without an excess or without slices.

    >>> worst_slice({"carrier": [["AA"] * 30, ["UA"] * 30]}, np.repeat([0.25, 0.0], 30))
    SliceShare(column='carrier', value='AA', rows=30, share=0.5, mean_excess=0.25, contribution=0.125)
    """
    rows, best = len(excess), None
    for name, parts in columns.items():
        for value, (count, total) in sorted(_sums(parts, excess).items()):
            if count >= FEWEST_ROWS and total / rows > (best.contribution if best else 0.0):
                best = SliceShare(
                    column=name,
                    value=value,
                    rows=count,
                    share=count / rows,
                    mean_excess=total / count,
                    contribution=total / rows,
                )
    return best


def _sums(parts: Iterable[Sequence[object]], excess: FloatArray) -> dict[str, tuple[int, float]]:
    """Rows and summed excess of each value, added one row after another: the same however the rows are parted."""
    places: dict[str, int] = {}
    counts, sums, start = np.empty(0, dtype=np.int64), np.empty(0), 0
    for values in parts:
        texts = ["nothing" if value is None or value != value else str(value) for value in values]
        codes = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
        more = len(places) - sums.size
        counts, sums = np.append(counts, np.zeros(more, dtype=np.int64)), np.append(sums, np.zeros(more))
        counts += np.bincount(codes, minlength=len(places))
        np.add.at(sums, codes, excess[start : start + len(codes)])
        start += len(codes)
    return {text: (int(counts[place]), float(sums[place])) for text, place in places.items()}


def evidence_of_loss(
    columns: Mapping[str, Iterable[Sequence[object]]], excess: FloatArray, days: np.ndarray, *, loss: str
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
