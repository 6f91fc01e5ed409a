"""By how much less a fresh model would have lost than the champion, on each labelled day since its release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.weights import relative
from perennial.ledger.entries import Day
from perennial.store.stored_rows import PART, together
from perennial.watching.after_release import SHADOW_DAYS, WITHIN, AfterRelease
from perennial.watching.inputs_in_parts import Inputs
from perennial.watching.row_loss import RowLoss
from perennial.watching.shadow import Shadow, fit_shadow, learned_from

if TYPE_CHECKING:
    from perennial.features.recipe import Recipe

WARM_UP = 28
"""Labelled days after a release before any alarm."""
FEWEST_DAYS = 14
"""A shadow is fitted on at least this many labelled days."""
ENOUGH, AT_LATEST = 0.8, timedelta(days=14)
"""A day is measured once this share of its rows is labelled, or this long after its first label."""
_FOLDS = 4
_READ_TOGETHER = 8


@dataclass(frozen=True)
class Measured:
    """The days that became measurable, and each row's loss on those after the warm-up.

    days: in order. champion, shadow: shape (n,), the losses of the rows at `positions` of `AfterRelease.rows`.
    missing: how many labelled days the warm-up still lacks.
    """

    days: tuple[Day, ...]
    positions: np.ndarray
    champion: FloatArray
    shadow: FloatArray
    missing: int = 0


@dataclass(frozen=True)
class _Stretch:
    """Days that one shadow measures. learns_from: positions of rows. weights: of these rows, None if all are alike."""

    days: Sequence[np.datetime64]
    warm_up: bool
    learns_from: np.ndarray
    weights: FloatArray | None


def gap_days(after: AfterRelease, recorded: Sequence[Day], recipe: Recipe, loss: RowLoss, at: datetime) -> Measured:
    """Measure the days that come after the newest `recorded` one and are labelled well enough by `at`.

    The first `WARM_UP` days of a release are cross-fitted in blocks. Later, a shadow is fitted for each week on the
    days before it, so no day, nor a later one, has influenced the model that it is measured with. Doing it again gives
    the same; so do other batches, as long as no label of an earlier day arrives in between.
    With weights, a day's loss and gap are weighted means, and a shadow is fitted on weighted rows.
    """
    labelled = _distinct(after.days)
    due = _due(after, labelled, recorded, at)
    is_warm = any(day.warm_up for day in recorded)
    if not is_warm and len(due) < WARM_UP:
        return Measured((), np.empty(0, np.int64), np.empty(0), np.empty(0), WARM_UP - len(due))
    inputs = Inputs(recipe, after.rows, after.by_row)
    champion = together(after.rows, [loss.of(after.labels, after.predicted)])

    def mean(values: FloatArray, mine: np.ndarray) -> float:
        return float(values.mean() if after.weights is None else np.average(values, weights=after.weights[mine]))

    def measured(day: np.datetime64, mine: np.ndarray, shadow: FloatArray, warm_up: bool) -> Day:
        return Day(
            day=str(day),
            loss=_rounded(mean(champion[mine], mine)),
            gap=_rounded(mean(champion[mine] - shadow, mine)),
            labelled=len(mine),
            rows=max(after.rows_of_day[day], len(mine)),
            warm_up=warm_up,
        )

    def losses(shadow: Shadow, mine: np.ndarray) -> FloatArray:
        predicted = np.empty((len(mine), *after.predicted.shape[1:]))
        for inside, features in inputs.at(mine):
            predicted[inside] = shadow.predict(features, after.predicted[mine[inside]])
        return loss.of(after.labels[mine], predicted)

    days: list[Day] = []
    positions, after_warm_up = [np.empty(0, np.int64)], [np.empty(0)]
    later = due if is_warm else due[WARM_UP:]
    stretches = [*(() if is_warm else _warm_up(after, due[:WARM_UP])), *_weeks(after, labelled, later)]
    for stretch, shadow in zip(stretches, _fitted(after, inputs, loss, stretches), strict=True):
        of_days = [_rows_of(after, [day]) for day in stretch.days]
        mine = np.concatenate(of_days)
        of_shadow = losses(shadow, mine)
        ends = np.cumsum([rows.size for rows in of_days])[:-1]
        for day, rows, part in zip(stretch.days, of_days, np.split(of_shadow, ends), strict=True):
            days.append(measured(day, rows, part, stretch.warm_up))
        if not stretch.warm_up:
            positions.append(mine)
            after_warm_up.append(of_shadow)
    places = np.concatenate(positions)
    return Measured(tuple(days), places, champion[places], np.concatenate(after_warm_up))


def _warm_up(after: AfterRelease, first: Sequence[np.datetime64]) -> Iterator[_Stretch]:
    """Blocks of the first days, each measured by a shadow of the others."""
    for fold in np.array_split(np.array(first), _FOLDS):
        yield _stretch(after, list(fold), _rows_of(after, [day for day in first if day not in fold]), warm_up=True)


def _weeks(after: AfterRelease, labelled: np.ndarray, later: Sequence[np.datetime64]) -> Iterator[_Stretch]:
    """The days after the warm-up, week by week; those of a week before which too few days are labelled are left out."""
    for week, days in groupby(later, lambda day: day.astype("datetime64[W]").astype("datetime64[D]")):
        rows = _rows_before(after, labelled, week)
        if rows.size:
            yield _stretch(after, list(days), rows, warm_up=False)


def _stretch(after: AfterRelease, days: Sequence[np.datetime64], rows: np.ndarray, warm_up: bool) -> _Stretch:
    """rows: positions of those that may be learned from."""
    places = learned_from(len(rows), after.predicted)
    weights = None if after.weights is None else relative(after.weights[rows])
    return _Stretch(days, warm_up, rows[places], None if weights is None else weights[places])


def _fitted(after: AfterRelease, inputs: Inputs, loss: RowLoss, stretches: Sequence[_Stretch]) -> Iterator[Shadow]:
    """The shadow of each stretch. The rows of `_READ_TOGETHER` of them are read at a time, each row once."""
    for start in range(0, len(stretches), _READ_TOGETHER):
        some = stretches[start : start + _READ_TOGETHER]
        places = np.unique(np.concatenate([each.learns_from for each in some]))
        features = inputs.few_at(places)
        for each in some:
            mine, kept = features.iloc[np.searchsorted(places, each.learns_from)], each.learns_from
            yield fit_shadow(mine, after.predicted[kept], after.labels[kept], loss.aim, each.weights)


def _rows_of(after: AfterRelease, days: Sequence[np.datetime64]) -> np.ndarray:
    """The positions of the rows of some days, in order."""
    return np.flatnonzero(np.isin(after.days, np.array(days)) if len(days) > 1 else after.days == days[0])


def _distinct(days: np.ndarray) -> np.ndarray:
    """The days that there are, in order, of any number of rows."""
    return np.unique(np.concatenate([np.unique(part) for part in np.array_split(days, len(days) // PART + 1)]))


def _due(after: AfterRelease, labelled: np.ndarray, recorded: Sequence[Day], at: datetime) -> list[np.datetime64]:
    """The labelled days after the newest recorded one, in order, up to the first that still waits for labels."""
    newest = np.datetime64(recorded[-1].day) if recorded else None
    moment, due = np.datetime64(at.replace(tzinfo=None), "us"), []
    for day in labelled:
        if newest is not None and day <= newest:
            continue
        mine = after.days == day
        waited = moment - after.known[mine].min() >= np.timedelta64(AT_LATEST)
        if not waited and mine.sum() < ENOUGH * after.rows_of_day[day]:
            break
        due.append(day)
    return due


def _rows_before(after: AfterRelease, labelled: np.ndarray, week: np.datetime64) -> np.ndarray:
    """Positions of the rows that the shadow of that week, from its first day, learns from; none of too few days."""
    days = labelled[(labelled < week) & (labelled >= week - np.timedelta64(WITHIN.days, "D"))]
    if days.size < FEWEST_DAYS:
        return np.empty(0, np.int64)
    return np.flatnonzero((after.days < week) & (after.days >= days[-SHADOW_DAYS:][0]))


def _rounded(value: float) -> float:
    """Without the last digits, which depend on how rows are grouped."""
    return float(f"{value:.10g}")
