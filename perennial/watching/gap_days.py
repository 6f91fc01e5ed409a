"""By how much less a fresh model would have lost than the champion, on each labelled day since its release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.weights import relative
from perennial.ledger.entries import Day
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


def gap_days(after: AfterRelease, recorded: Sequence[Day], recipe: Recipe, loss: RowLoss, at: datetime) -> Measured:
    """Measure the days that come after the newest `recorded` one and are labelled well enough by `at`.

    The first `WARM_UP` days of a release are cross-fitted in blocks. Later, a shadow is fitted for each week on the
    days before it, so no day, nor a later one, has influenced the model that it is measured with. Doing it again gives
    the same; so do other batches, as long as no label of an earlier day arrives in between.
    With weights, a day's loss and gap are weighted means, and a shadow is fitted on weighted rows.
    """
    due = _due(after, recorded, at)
    inputs = Inputs(recipe, after.rows, after.by_row)
    champion = loss.of(after.labels, after.predicted)
    shadow = np.full(len(champion), np.nan)
    days: list[Day] = []

    def mean(values: FloatArray, mine: np.ndarray) -> float:
        of_day = values[mine]
        return float(of_day.mean() if after.weights is None else np.average(of_day, weights=after.weights[mine]))

    def measured(day: np.datetime64, mine: np.ndarray, warm_up: bool) -> Day:
        return Day(
            day=str(day),
            loss=_rounded(mean(champion, mine)),
            gap=_rounded(mean(champion - shadow, mine)),
            labelled=len(mine),
            rows=max(after.rows_of_day[day], len(mine)),
            warm_up=warm_up,
        )

    def score(shadow_model: Shadow, mine: np.ndarray) -> None:
        predicted = np.empty((len(mine), *after.predicted.shape[1:]))
        for inside, features in inputs.at(mine):
            predicted[inside] = shadow_model.predict(features, after.predicted[mine[inside]])
        shadow[mine] = loss.of(after.labels[mine], predicted)

    def fit(rows: np.ndarray) -> Shadow:
        places = learned_from(len(rows), after.predicted)
        kept, weights = rows[places], None if after.weights is None else relative(after.weights[rows])
        weights = None if weights is None else weights[places]
        return fit_shadow(inputs.few_at(kept), after.predicted[kept], after.labels[kept], loss.aim, weights)

    rows_of = {day: np.flatnonzero(after.days == day) for day in due}
    if not any(day.warm_up for day in recorded):
        if len(due) < WARM_UP:
            return Measured((), np.empty(0, np.int64), np.empty(0), np.empty(0), WARM_UP - len(due))
        first, due = due[:WARM_UP], due[WARM_UP:]
        for fold in np.array_split(np.array(first), _FOLDS):
            others = np.concatenate([rows_of[day] for day in first if day not in fold])
            score(fit(np.sort(others)), np.concatenate([rows_of[day] for day in fold]))
        days += [measured(day, rows_of[day], True) for day in first]
    fits: dict[bytes, Shadow] = {}
    after_warm_up: list[np.ndarray] = []
    for day in due:
        rows = _days_before(after, day)
        if not rows.size:
            continue
        same = rows.tobytes()
        if same not in fits:
            fits = {same: fit(rows)}
        score(fits[same], rows_of[day])
        days.append(measured(day, rows_of[day], False))
        after_warm_up.append(rows_of[day])
    positions = np.concatenate(after_warm_up) if after_warm_up else np.empty(0, np.int64)
    return Measured(tuple(days), positions, champion[positions], shadow[positions])


def _due(after: AfterRelease, recorded: Sequence[Day], at: datetime) -> list[np.datetime64]:
    """Days after the newest recorded one, in order, up to the first that still waits for labels."""
    newest = np.datetime64(recorded[-1].day) if recorded else None
    moment, due = np.datetime64(at.replace(tzinfo=None), "us"), []
    for day in np.unique(after.days):
        if newest is not None and day <= newest:
            continue
        mine = after.days == day
        waited = moment - after.known[mine].min() >= np.timedelta64(AT_LATEST)
        if not waited and mine.sum() < ENOUGH * after.rows_of_day[day]:
            break
        due.append(day)
    return due


def _days_before(after: AfterRelease, day: np.datetime64) -> np.ndarray:
    """Positions of the rows that the shadow of that day's week learns from; none if they are of too few days."""
    week = day.astype("datetime64[W]").astype("datetime64[D]")
    before = (after.days < week) & (after.days >= week - np.timedelta64(WITHIN.days, "D"))
    days = np.unique(after.days[before])
    if days.size < FEWEST_DAYS:
        return np.empty(0, np.int64)
    return np.flatnonzero(before & (after.days >= days[-SHADOW_DAYS:][0]))


def _rounded(value: float) -> float:
    """Without the last digits, which depend on how rows are grouped."""
    return float(f"{value:.10g}")
