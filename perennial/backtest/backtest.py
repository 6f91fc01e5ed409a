"""Replays a use case's own history under several policies, windows and schedules, and compares them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from perennial.backtest.fits import Fits, Progress
from perennial.backtest.history import History, read_history
from perennial.backtest.lived import ReallyLived, really_lived
from perennial.backtest.lives import Way, live
from perennial.backtest.money import Hindsight, hindsight
from perennial.backtest.own_stream import stream_of
from perennial.backtest.price import checked_price, value_of
from perennial.backtest.results import LifeResult, compared_moments, periods_of, results_of
from perennial.backtest.stream import RACE, Mixture, Model, Stream
from perennial.backtest.totals import totals, yardstick
from perennial.backtest.ways import declared_way, name_of, newest_days_of, usual_ways
from perennial.errors import InputError
from perennial.evaluation.metrics.metric import Metric
from perennial.ledger.ledger import Ledger
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration, UseCase


@dataclass(frozen=True)
class Backtest:
    """The lives on a history, the declared one first.

    batches: of the history; compared: those after the first on which every life had a model. periods: how many
    decision periods the intervals rest on. best: the loss of the best earlier model of each compared batch, on average;
    best_by_batch: on each.
    value: name of the custom metric that is summed; None without one, and then there is no hindsight.
    seen: batches that came before the declaration was first used, so that its parameters may have been chosen with them
    in view. failed: models that could not be fitted, and why.
    fits: fitted now, and fit_seconds; kept: fits that were on disk. seconds: in all.
    """

    usecase: str
    metric: str
    lower_is_better: bool
    batches: tuple[str, ...]
    compared: tuple[str, ...]
    periods: int
    best: float
    best_by_batch: tuple[float, ...]
    value: str | None
    hindsight: Hindsight | None
    lives: tuple[LifeResult, ...]
    really: ReallyLived
    seen: tuple[str, ...]
    failed: tuple[str, ...]
    fits: int
    fit_seconds: float
    kept: int
    seconds: float


def backtest(
    tables: Tables,
    ledger: Ledger,
    case: UseCase,
    folder: Path,
    now: datetime,
    *,
    ways: Callable[[Declaration, int], Sequence[Way]] = usual_ways,
    price: float | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Backtest:
    """Live through the history up to `now` in several ways.

    folder: where predictions are kept, so that a run that was stopped goes on and a second one is quick.
    ways: from the declaration and the days of history to all that are compared, the declared one first.
    price: of one retraining, in the declared value. report: is called after each fit.
    Raises InputError if the history is too short, and for a price as in `checked_price`.
    """
    started, declaration = time.perf_counter(), case.declaration
    declared = declared_way(declaration)
    value = value_of(case)
    paid = checked_price(case, price, value)
    ways(declaration, 0)  # what cannot be asked for is refused before a history that is too short
    history = read_history(tables, ledger, declaration, now)
    asked = tuple(ways(declaration, history.days))
    fits, stream = fitted(tables, case, folder, history, report, asked)
    lives = [live(stream, way) for way in asked]
    by = yardstick(stream, lives)
    compared = compared_moments(stream, lives, by)
    if not compared:
        raise InputError(
            f"{case.name}: no life had a model before the newest batch, so there is nothing to compare",
            code="backtest-too-short",
        )
    worth, beside = None, None
    if value is not None:
        earned = partial(worth_on, stream, value)
        worth = [np.array([earned(now, t) for t, now in enumerate(life.served)]) for life in lives]
        beside = hindsight(stream, lives[0], earned, compared, paid)
    names = [name_of(way, declared) for way in asked]
    results = results_of(stream, names, lives, [totals(stream, life, by) for life in lives], by, worth, beside)
    fits.forget_others()
    return Backtest(
        usecase=case.name,
        metric=declaration.primary,
        lower_is_better=stream.lower_is_better,
        batches=history.windows,
        compared=tuple(history.windows[t] for t in compared),
        periods=int(periods_of(lives[0], compared).max()) + 1,
        best=float(np.mean([by.best[t] for t in compared])),
        best_by_batch=tuple(by.best[t] for t in compared),
        value=None if value is None else value.name,
        hindsight=beside,
        lives=results,
        really=really_lived(tables, ledger, declaration.schema_, history, stream, lives[0], compared, case.name),
        seen=_seen(history, declaration.digest),
        failed=tuple(
            f"{model.window or 'model'} after {history.windows[model.moment]}: {why}"
            for model, why in sorted(fits.failed.items())
        ),
        fits=fits.fitted,
        fit_seconds=fits.seconds,
        kept=len(fits) - fits.fitted,
        seconds=time.perf_counter() - started,
    )


def fitted(
    tables: Tables,
    case: UseCase,
    folder: Path,
    history: History,
    report: Callable[[Progress], None],
    ways: Sequence[Way] = (),
) -> tuple[Fits, Stream]:
    """The history with a model of each window after each batch but the last, and what the lives ask for."""
    newest = history.newest(newest_days_of(case.declaration))
    fits = Fits(case, tables, history, folder, newest)
    stream = stream_of(case, history, fits, newest)
    windows = dict.fromkeys([*stream.windows, *(way.window for way in ways if way.window != RACE)])
    whole = [Model(name, t) for t in range(stream.moments - 1) for name in windows]
    asked = at_once(stream, ways)
    fits.fit_all(whole, report, to_come=len(asked))
    fits.fit_all(
        dict.fromkeys(Model(stream.best_window(choice, t, without_newest=True), t, True) for choice, t in asked), report
    )
    return fits, stream


def at_once(stream: Stream, ways: Sequence[Way]) -> list[tuple[str, int]]:
    """The windows and moments of models that leave the newest days out and that some life may ask for."""
    choices = sorted({way.window for way in ways if way.at_once})
    return [(choice, t) for choice in choices for t in range(stream.moments) if stream.newest_rows(t, -1).places.size]


def worth_on(stream: Stream, metric: Metric, now: Mixture, moment: int) -> float:
    """The value of a moment's rows with some models live: the metric's mean times the rows."""
    places = stream.arrivals(moment)
    if not places.size:
        return 0.0
    predicted = stream.predicted(now, places) if now else stream.base_rate(moment)
    value = metric.measured(stream.labels[places], predicted, stream.weights_of(places))[0]
    return float(value * places.size)


def _seen(history: History, digest: str) -> tuple[str, ...]:
    """Windows of the batches that were taken in before the declaration was first used for one."""
    first = next(
        (place for place, batch in enumerate(history.batches) if batch.declaration_digest == digest),
        len(history.batches),
    )
    return tuple(batch.window for batch in history.batches[:first])
