"""What a model's predictions mean for persons: who is selected, and who should have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Selection:
    """Which predictions select, by one of four limits, or by the predicted class.

    above: predictions of at least this; below: under it. top, bottom: the share of rows with the highest or lowest
    predictions; ties at the limit are all selected. classes: positions of the classes.
    """

    above: float | None = None
    below: float | None = None
    top: float | None = None
    bottom: float | None = None
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcomes:
    """Per row, shape (n,): selected is 0 or 1; deserved, whether the label selects, or None if no label can; score and
    truth, whose means a calibrated model has in common."""

    selected: FloatArray
    deserved: FloatArray | None
    score: FloatArray
    truth: FloatArray


def outcomes(selection: Selection, y: FloatArray, p: FloatArray, *, binary: bool) -> Outcomes:
    """y: shape (n,). p: shape (n,), or (n, K) for K classes. binary: whether labels are 0 and 1.

    >>> of = outcomes(Selection(below=0.5), np.array([0.0, 1.0]), np.array([0.2, 0.3]), binary=True)
    >>> of.selected.tolist(), of.deserved.tolist()
    ([1.0, 1.0], [1.0, 0.0])
    """
    if selection.classes:
        deserved = np.isin(y, selection.classes).astype(np.float64)
        selected = np.isin(p.argmax(axis=1), selection.classes).astype(np.float64)
        return Outcomes(selected, deserved, p[:, list(selection.classes)].sum(axis=1), deserved)
    low = selection.below is not None or selection.bottom is not None
    limit, share = (selection.below, selection.bottom) if low else (selection.above, selection.top)
    selected = _extreme(p, float(share or 0), low) if limit is None else _beyond(p, limit, low)
    if binary:
        return Outcomes(selected, 1 - y if low else y, p, y)
    return Outcomes(selected, None if limit is None else _beyond(y, limit, low), p, y)


def tenths(score: FloatArray, codes: IntArray, groups: Sequence[int]) -> list[tuple[int, ...]]:
    """For each group, how many of its scores are in each tenth of all scores, the lowest first. Ties share a tenth."""
    ends = np.quantile(score, np.arange(1, 10) / 10)
    places = np.searchsorted(ends, score, side="left")
    return [tuple(np.bincount(places[codes == code], minlength=10).tolist()) for code in groups]


def _beyond(values: FloatArray, limit: float, low: bool) -> FloatArray:
    return ((values < limit) if low else (values >= limit)).astype(np.float64)


def _extreme(p: FloatArray, share: float, low: bool) -> FloatArray:
    ranked = np.sort(p)
    count = ceil(share * p.size)
    limit = ranked[count - 1] if low else ranked[p.size - count]
    return ((p <= limit) if low else (p >= limit)).astype(np.float64)
