"""Replays a use case's own history under several policies, windows and schedules, and compares them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from perennial.backtest.fits import Fits, Progress
from perennial.backtest.history import History, read_history
from perennial.backtest.lived import ReallyLived, really_lived
from perennial.backtest.lives import Way, live
from perennial.backtest.results import LifeResult, compared_moments, periods_of, results_of
from perennial.backtest.stream import Mixture, Model, Stream
from perennial.backtest.totals import totals, yardstick
from perennial.backtest.ways import declared_way, name_of, newest_days_of, usual_ways
from perennial.deciding.scored_models import asked_metrics
from perennial.errors import InputError
from perennial.evaluation.arrays import IntArray
from perennial.evaluation.flips import flips
from perennial.evaluation.guards import GuardFinding, guard
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import NEGATIVE_FLIPS
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Paired
from perennial.evaluation.results import MetricResult
from perennial.evaluation.slices import Sliced, compare_slices, variance_ratio
from perennial.ledger.ledger import Ledger
from perennial.store.rows import weights_of
from perennial.store.tables import Tables
from perennial.team_code.metrics import declared_metric, groups_of, metric_sources
from perennial.training.race import LOOK_BACK
from perennial.usecase.declaration import UseCase


@dataclass(frozen=True)
class Backtest:
    """The lives on a history, the declared one first.

    batches: of the history; compared: those after the first on which every life had a model. periods: how many
    decision periods the intervals rest on. best: the loss of the best earlier model of each compared batch, on average;
    best_by_batch: on each.
    value: name of the custom metric that is summed. seen: batches that came before the declaration was first used, so
    that its parameters may have been chosen with them in view. failed: models that could not be fitted, and why.
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
    ways: Callable[[Way], Sequence[Way]] = usual_ways,
    report: Callable[[Progress], None] = lambda _: None,
) -> Backtest:
    """Live through the history up to `now` in several ways.

    folder: where predictions are kept, so that a run that was stopped goes on and a second one is quick.
    ways: from the declared life to all that are compared, the declared one first. report: is called after each fit.
    Raises InputError if the history is too short.
    """
    started, declaration = time.perf_counter(), case.declaration
    declared = declared_way(declaration)
    asked = tuple(ways(declared))  # refused, if at all, before the first fit
    history, fits, stream = fitted(tables, ledger, case, folder, now, report)
    fits.fit_all(dict.fromkeys(at_once(stream, asked)), report)
    lives = [live(stream, way) for way in asked]
    by = yardstick(stream, lives)
    compared = compared_moments(stream, lives, by)
    if not compared:
        raise InputError(
            f"{case.name}: no life had a model before the newest batch, so there is nothing to compare",
            code="backtest-too-short",
        )
    value = value_of(case)
    worth = None
    if value is not None:
        worth = [np.array([worth_on(stream, value, now, t) for t, now in enumerate(life.served)]) for life in lives]
    names = [name_of(way, declared) for way in asked]
    results = results_of(stream, names, lives, [totals(stream, life, by) for life in lives], by, worth)
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
    tables: Tables, ledger: Ledger, case: UseCase, folder: Path, now: datetime, report: Callable[[Progress], None]
) -> tuple[History, Fits, Stream]:
    """The history up to `now` with a model of each window after each batch but the last."""
    history = read_history(tables, ledger, case.declaration, now)
    newest = history.newest(newest_days_of(case.declaration))
    fits = Fits(case, tables, history, folder, newest)
    stream = stream_of(case, history, fits, newest)
    fits.fit_all([Model(name, t) for t in range(stream.moments - 1) for name in stream.windows], report)
    return history, fits, stream


def stream_of(case: UseCase, history: History, fits: Fits, newest: IntArray) -> Stream:
    """The history as a stream, with the declared metrics, guards and slices."""
    declaration, sources = case.declaration, metric_sources(case)
    schema, evaluation = declaration.schema_, declaration.evaluation
    first = history.known[0].as_of

    def metrics_on(places: IntArray) -> list[Asked]:
        rows = history.rows.iloc[places].reset_index(drop=True)
        codes = np.unique(history.cluster[places], return_inverse=True)[1].astype(np.int64)

        def metric(name: str) -> Metric:
            return declared_metric(declaration, sources, name, rows=rows, codes=codes)

        return [each for each in asked_metrics(declaration, metric) if each.role != "info"]

    def guards_on(places: IntArray, rows: Paired, metrics: Sequence[MetricResult]) -> GuardFinding:
        frame = history.rows.iloc[places].reset_index(drop=True)
        columns = [Sliced(column, *groups_of(frame, column)) for column in evaluation.slices]
        ratio = variance_ratio(np.array(metrics[0].sums), rows.clusters.sizes, evaluation.cluster_name)
        primary = metrics_on(places)[0].metric
        assert primary is not None, "asked_metrics loads it"
        bound = evaluation.guards.get(NEGATIVE_FLIPS)
        return guard(
            metrics,
            slices=compare_slices(primary, rows, columns, harm=evaluation.slice_harm, of_all=ratio) if columns else (),
            flips=flips(rows, of_classes=schema.task != "regression", at_most=bound.at_most) if bound else None,
        )

    return Stream(
        task=schema.task,
        primary=declaration.primary,
        lower_is_better=declared_metric(
            declaration, sources, declaration.primary, rows=history.rows, codes=history.cluster
        ).direction
        == "lower",
        metrics=metrics_on,
        labels=history.labels,
        arrived=history.arrived,
        moment=history.moment,
        cluster=history.cluster,
        day=history.day,
        days=np.array([(each.as_of - first).total_seconds() / 86400 for each in history.known]),
        year=np.array([each.as_of.year for each in history.known]),
        newest=newest,
        models=fits,
        windows=tuple(declaration.model.racing),
        classes=_classes(case),
        cluster_by=evaluation.cluster_name,
        second=history.second,
        weights=weights_of(history.rows, schema),
        guards=guards_on,
        look_back=LOOK_BACK,
    )


def _classes(case: UseCase) -> tuple[float, ...]:
    """The labels of the classes as numbers: 0 and 1, or positions among the declared ones; none for a regression."""
    schema = case.declaration.schema_
    if schema.task == "regression":
        return ()
    return tuple(float(place) for place in range(len(schema.classes) or 2))


def at_once(stream: Stream, ways: Sequence[Way]) -> list[Model]:
    """The models that left the newest days out and some life may ask for."""
    choices = {way.window for way in ways if way.at_once}
    return [
        Model(stream.best_window(choice, t, without_newest=True), t, without_newest=True)
        for choice in sorted(choices)
        for t in range(stream.moments)
        if stream.newest_rows(t, -1).places.size
    ]


def value_of(case: UseCase) -> Metric | None:
    """The metric that counts as value: the first custom one with one number per row; None without one."""
    own = case.declaration.evaluation.metrics
    name = next((name for name, each in own.items() if each.per == "row"), None)
    return None if name is None else declared_metric(case.declaration, metric_sources(case), name)


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
