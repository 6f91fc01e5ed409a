"""A use case's own history as the stream that lives are lived on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.backtest.alarms import alarms_of
from perennial.backtest.fits import Fits
from perennial.backtest.history import History
from perennial.backtest.stream import Stream, numbered
from perennial.deciding.scored_models import asked_metrics
from perennial.evaluation.arrays import IntArray
from perennial.evaluation.flips import flips
from perennial.evaluation.guards import GuardFinding, guard
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import NEGATIVE_FLIPS
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Paired
from perennial.evaluation.results import MetricResult
from perennial.evaluation.slices import Sliced, compare_slices, variance_ratio
from perennial.store.rows import weights_of
from perennial.team_code.metrics import declared_metric, groups_of, metric_sources
from perennial.training.race import LOOK_BACK
from perennial.usecase.declaration import UseCase


def stream_of(case: UseCase, history: History, fits: Fits, newest: IntArray) -> Stream:
    """The history as a stream, with the declared metrics, guards and slices."""
    declaration, sources = case.declaration, metric_sources(case)
    schema, evaluation = declaration.schema_, declaration.evaluation
    first = history.known[0].as_of

    def metrics_on(places: IntArray) -> list[Asked]:
        rows = history.rows.iloc[places].reset_index(drop=True)
        codes = numbered(history.cluster[places])

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
        left_out=np.array(
            [
                (each.as_of - history.midnights[day]).total_seconds() / 86400
                for each, day in zip(history.known, newest.tolist(), strict=True)
            ]
        ),
        models=fits,
        windows=tuple(declaration.model.racing),
        classes=_classes(case),
        cluster_by=evaluation.cluster_name,
        second=history.second,
        weights=weights_of(history.rows, schema),
        guards=guards_on,
        look_back=LOOK_BACK,
        alarms=alarms_of(case, history),
    )


def _classes(case: UseCase) -> tuple[float, ...]:
    """The labels of the classes as numbers: 0 and 1, or positions among the declared ones; none for a regression."""
    schema = case.declaration.schema_
    if schema.task == "regression":
        return ()
    return tuple(float(place) for place in range(len(schema.classes) or 2))
