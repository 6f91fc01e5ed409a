"""False-alarm rates of the channels that compare a batch with stored days: features, predictions, multivariate.

Blocks of the stored days are drawn anew as a reference and as years of batches, so nothing changes between the two. An
alarm shows how unlike ordinary stretches of the use case's own days are. A trend or a season within the stored days is
mixed over all of them and raises none, so a season beyond them rings more often than the rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perennial.evaluation.arrays import IntArray
from perennial.watching.channels.features import LEAST
from perennial.watching.episodes import AT_LEAST, BACK_FOR
from perennial.watching.profile import Evaluated
from perennial.watching.resampled import BLOCK, DAYS, HISTORIES, YEARS_EACH, Rate, rate_from
from perennial.watching.statistics.coarse import coarse_bins, summed
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.day_blocks import drawn_days, thresholds
from perennial.watching.statistics.distances import psis
from perennial.watching.statistics.frames import on_grid
from perennial.watching.statistics.grid import Grid
from perennial.watching.statistics.pca import Directions, usual_errors

Rings = Callable[[IntArray], np.ndarray]
"""From periods, shape (P, days), as positions of stored days, to whether each is an alarm, shape (P,)."""


@dataclass(frozen=True, eq=False)
class StoredDays:
    """What is stored about a champion by day. None: nothing is.

    features, scores: for each feature or score, shape (D, C), the rows of each day in each of the champion's bins.
    together: with the reconstruction errors of each day.
    """

    features: tuple[IntArray, ...] | None = None
    scores: tuple[IntArray, ...] | None = None
    together: Directions | None = None


def stored_days(
    trained: Mapping[str, Counts] | None,
    grids: Mapping[str, Grid],
    evaluated: Evaluated | None,
    directions: Directions | None,
    *,
    leave_out: str | None = None,
) -> StoredDays:
    """From a champion's stored statistics. leave_out: a feature that the channel does not compare."""
    compared = {name: each for name, each in (trained or {}).items() if name != leave_out}
    features = None if trained is None else _by_day(compared, grids)
    scores = None
    if evaluated is not None:
        of_scores: dict[str, Grid] = {name: each.grid for name, each in evaluated.scores.items()}
        scores = _by_day({name: each.counts for name, each in evaluated.scores.items()}, of_scores)
    return StoredDays(features, scores, directions)


def _by_day(counts: Mapping[str, Counts], grids: Mapping[str, Grid]) -> tuple[IntArray, ...]:
    known = [(on_grid(each, grids[name]), grids[name]) for name, each in counts.items() if name in grids]
    return tuple(summed(each.counts, coarse_bins(each.total, grid)) for each, grid in known)


def rate_of_counts(counts: Sequence[IntArray], length: int, *, seed: int) -> Rate:
    """Of a channel that rings if any PSI is above its threshold. counts: see `StoredDays`. length: a batch's days."""

    def reference(days: IntArray) -> Rings:
        then = [each[days] for each in counts]
        limits = thresholds(then, length)
        assert limits is not None

        def rings(periods: IntArray) -> np.ndarray:
            apart = [psis(a.sum(axis=0), b[periods].sum(axis=1)) for a, b in zip(then, counts, strict=True)]
            above: np.ndarray = np.logical_or.reduce(np.stack(apart) > np.maximum(limits, LEAST)[:, None], axis=0)
            return above

        return rings

    return _rate(len(counts[0]), length, reference, seed)


def rate_together(directions: Directions, length: int, *, seed: int) -> Rate:
    """Of the multivariate channel. length: a batch's days."""
    errors, rows = np.array(directions.day_errors), np.array(directions.day_rows)

    def reference(days: IntArray) -> Rings:
        drawn = replace(directions, day_errors=tuple(errors[days]), day_rows=tuple(rows[days]))
        low, high = usual_errors(drawn, drawn_days(days.size, length, np.random.default_rng(0)))

        def rings(periods: IntArray) -> np.ndarray:
            means = errors[periods].sum(axis=1) / rows[periods].sum(axis=1)
            return np.logical_or(means > high, means < low)

        return rings

    return _rate(errors.size, length, reference, seed)


def _rate(known: int, length: int, reference: Callable[[IntArray], Rings], seed: int) -> Rate:
    """As `resampled.rate_of`: each history has the luck of its blocks. The reference is drawn apart from them."""
    draw = np.random.default_rng(seed)
    starts = np.arange(known - BLOCK + 1)
    many, length = max(2, known // BLOCK), min(length, DAYS)
    counts = np.zeros(HISTORIES)
    for history in range(HISTORIES):
        rings = reference(_days_of(draw.choice(starts, -(-known // BLOCK)))[:known])
        some = draw.choice(starts, many)
        for _ in range(YEARS_EACH):
            year = _days_of(draw.choice(some, DAYS // BLOCK + 2))[: max(DAYS // length, 1) * length]
            counts[history] += episodes(rings(year.reshape(-1, length)), length)
    return rate_from(counts, known // BLOCK)


def _days_of(starts: IntArray) -> IntArray:
    days: IntArray = (starts[:, None] + np.arange(BLOCK)).ravel()
    return days


def episodes(alarms: np.ndarray, length: int) -> int:
    """How many episodes these batches open. alarms: shape (P,), in order. length: days from one to the next.

    >>> episodes(np.array([True, False, True, False, False, True]), 7)
    2
    """
    opened, since, last = 0, None, 0
    for at, alarm in enumerate(alarms):
        day = at * length
        if alarm:
            last = day
            if since is None:
                since, opened = day, opened + 1
        elif since is not None and day - since >= AT_LEAST.days and day - last >= BACK_FOR.days:
            since = None
    return opened
