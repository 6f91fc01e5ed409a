"""The race of windows and estimators: each predicts the batches after its training, and the best so far is trained."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from perennial.clock import instant, write_instant
from perennial.errors import TerminalError
from perennial.evaluation.figures import counted, figure
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.race import HALF_LIFE, best_so_far, standing
from perennial.ledger.entries import BatchEntry, RaceStep
from perennial.ledger.ledger import Ledger, Row
from perennial.model.threads import bounded_threads
from perennial.our_columns import FIRST_KNOWN_AT, LABEL
from perennial.settings import allowed_threads
from perennial.store.known import Known, known_at
from perennial.store.registry import TrialRun
from perennial.store.rows import labels_of, read_rows, weights_of
from perennial.store.tables import Tables
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.training.fit import fit
from perennial.training.rows import age_weights, rows_inside
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_model import Model
from perennial.usecase.windows import window_in_words

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("perennial.training")

LOOK_BACK = 2 * HALF_LIFE
"""How many batches are used: older ones would weigh less than a quarter."""
FEWEST_LABELS = 0.5
"""The share of a batch's labels that must be known before rivals are compared on it."""


@dataclass(frozen=True)
class Raced:
    """The rival that is trained next. runs: each rival with its standing, and why it won or lost."""

    rival: str
    runs: tuple[TrialRun, ...]


def steps_due(tables: Tables, ledger: Ledger, case: UseCase, known: Known) -> Iterator[RaceStep]:
    """How each rival predicted the batches that the race has not covered yet, oldest first. The caller commits them.

    A rival is trained on what was known when the previous batch had arrived. Rivals with the same rows and parameters
    are fitted once, and fits run in parallel on the available cores.
    """
    declaration = case.declaration
    seen = {row.payload.batch for row in _steps(ledger, case)}
    batches = sorted(known.batches, key=lambda b: instant(b.arrived_at))
    metric = declared_metric(declaration, metric_sources(case), declaration.primary)
    for before, batch in list(pairwise(batches))[-LOOK_BACK:]:
        if batch.batch in seen:
            continue
        rows = read_rows(tables, case.name, declaration.schema_, known, only=(batch.batch,))
        # A restated batch contains rows that a model of that time has learned from.
        fresh = rows[FIRST_KNOWN_AT] > instant(before.arrived_at)
        labelled = rows[rows[LABEL].notna() & fresh].reset_index(drop=True)
        if len(labelled) < FEWEST_LABELS * len(rows) or labelled.empty:
            continue
        past = known_at(ledger, case.name, instant(before.arrived_at))
        yield _step(tables, case, past, known, batch, labelled, metric)


def finish(ledger: Ledger, case: UseCase, on: Container[str] | None = None) -> Raced:
    """The rival with the best standing over the recorded steps; the first rival if there are none.

    on: ids of the batches whose steps count; None for all.
    """
    racing = case.declaration.model.racing
    metric = declared_metric(case.declaration, metric_sources(case), case.declaration.primary)
    steps = [
        {name: value for name in racing if (value := row.payload.values.get(name)) is not None}
        for row in _steps(ledger, case)
        if on is None or row.payload.batch in on
    ][-LOOK_BACK:]
    best = best_so_far(steps, lower_is_better=metric.direction == "lower") or next(iter(racing))
    return Raced(best, tuple(_runs(case, best, steps)))


def _steps(ledger: Ledger, case: UseCase) -> list[Row[RaceStep]]:
    digest = case.declaration.model_digest
    return [row for row in ledger.all(case.name, RaceStep) if row.payload.model_digest == digest]


def _step(
    tables: Tables, case: UseCase, past: Known, known: Known, batch: BatchEntry, labelled: pd.DataFrame, metric: Metric
) -> RaceStep:
    declaration, racing = case.declaration, case.declaration.model.racing
    schema = declaration.schema_
    labels, weights, time = labels_of(labelled, schema), weights_of(labelled, schema), schema.time
    one_of = {window_in_words(model.window): rival for rival, model in racing.items()}
    of_window = {
        window: rows_inside(tables, declaration.racing_as(rival), past).rows for window, rival in one_of.items()
    }
    rows = {rival: of_window[window_in_words(model.window)] for rival, model in racing.items()}

    def value(rival: str) -> float | None:
        if rows[rival].empty:
            return None
        try:
            fitted = fit(case.racing_as(rival), rows[rival]).fitted
            predicted = fitted.over(fitted.predict(labelled), schema.classes)
            return metric.measured(labels, predicted, weights)[0]
        except (TerminalError, Undefined) as why:  # a rival that cannot be fitted has no value; the others continue
            log.warning("race %s %s: %s has no value: %s", case.name, batch.window, rival, why)
            return None

    key = list(schema.key)
    same = {rival: _sameness(model, rows[rival], key, time) for rival, model in racing.items()}
    first = {sameness: rival for rival, sameness in reversed(same.items())}
    with bounded_threads(), ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // allowed_threads())) as pool:
        values = dict(zip(first, pool.map(value, first.values()), strict=True))
    return RaceStep(
        batch=batch.batch,
        window=batch.window,
        as_of=write_instant(known.as_of),
        metric=metric.name,
        rows=len(labelled),
        values={rival: values[same[rival]] for rival in racing},
        model_digest=declaration.model_digest,
    )


def _sameness(model: Model, rows: pd.DataFrame, key: list[str], time: str) -> tuple[object, ...]:
    """Equal for rivals that would give the same model: equal parameters on equal rows, compared by their keys."""
    from pandas.util import hash_pandas_object

    # A window that weighs rows gives another model on the same rows.
    weighs = age_weights(model.window, rows[time]) is not None
    weighed = model.window if weighs else None
    keys = int(hash_pandas_object(rows[key], index=False).sum())
    return (model.model_dump_json(exclude={"window"}), str(weighed), len(rows), keys)


def _runs(case: UseCase, best: str, steps: Sequence[dict[str, float]]) -> Iterator[TrialRun]:
    metric, means, racing = case.declaration.primary, standing(steps), case.declaration.model.racing
    over = counted(sum(len(step) == len(racing) for step in steps), "batch", "batches")
    for rival, model in racing.items():
        state: Literal["won", "lost"] = "won" if rival == best else "lost"
        why = (
            f"{state}: no batch has come after a training yet, so the first of the list is taken"
            if rival not in means
            else f"won: the best one-step {metric} so far, {figure(means[rival])} over {over} (half-life {HALF_LIFE})"
            if rival == best
            else f"lost: one-step {metric} {figure(means[rival])} over {over}, {best} had {figure(means[best])}"
        )
        values = {f"{metric}_step_{number}": step[rival] for number, step in enumerate(steps, 1) if rival in step}
        if rival in means:
            values[f"{metric}_standing"] = means[rival]
        tried = {"estimator": model.estimator, "window": str(model.window)}
        yield TrialRun(f"race: {rival}", tried, values, state, why)
