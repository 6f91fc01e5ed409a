"""A trial of a declaration: custom functions and estimators run on some rows before anything is written.

Groups of persons are counted in all rows of the batch.

Their errors become mistakes of the declaration, with field and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from perennial.errors import PerennialError
from perennial.evaluation.bias.report import Groups
from perennial.evaluation.metrics.metric import Undefined
from perennial.features.derived import derive, refuse_infinite
from perennial.features.recipe import recipe_of
from perennial.intake.frames import accepted_table
from perennial.model.predicting import in_places, predict
from perennial.our_columns import is_ours
from perennial.sources.parsing import Parsed
from perennial.store.rows import weights_of
from perennial.team_code.groups import TOO_MANY, evaluation_sources, protected_groups, together
from perennial.team_code.loading import load_function
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.training.estimator_fit import fit_pipeline
from perennial.training.foreign_types import refuse_foreign_types
from perennial.training.not_in_parts import refuse_not_in_parts
from perennial.training.rows import age_weights
from perennial.usecase.built_in import built_in
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_bias import Protected
from perennial.usecase.document import Document, Place
from perennial.usecase.importable import is_own
from perennial.usecase.mistakes import Mistake

if TYPE_CHECKING:
    import pandas as pd

ROWS = 2_000
"""At most this many rows are tried."""
_FEWEST = 20
"""Rows per class. If there are fewer, labels are made up, since an estimator may need several."""
_FEWEST_ROWS = 200
"""Models are fitted on at least this many rows: those of a smaller batch are repeated, since later batches add more."""


def try_out(case: UseCase, document: Document, batch: Parsed | None) -> list[Mistake]:
    """All mistakes that show up when the custom functions and the estimators run.

    batch: provides the rows; without one, or if it lacks columns, the custom files are only loaded.
    """
    mistakes = _load(case, document)
    if mistakes or batch is None or not rows_tried(batch):
        return mistakes
    rows = _rows(case, batch, ROWS)
    if len(rows) < 2:
        return mistakes
    mistakes = _try_features(case, document, rows)
    if case.declaration.governance.protected:
        mistakes += _try_groups(case, document, _rows(case, batch, len(batch.frame)))
    return mistakes or [*_try_models(case, document, _enough(rows))]


def rows_tried(batch: Parsed | None) -> int:
    """The number of a batch's rows on which `try_out` runs."""
    return 0 if batch is None or batch.missing or len(batch.frame) < 2 else min(len(batch.frame), ROWS)


def _load(case: UseCase, document: Document) -> list[Mistake]:
    """Mistakes of files that do not run, one per file."""
    metrics = case.declaration.evaluation.metrics
    named = [(place, spec) for place, spec in document.texts("features", "derived") if built_in(spec) is None]
    named += [(place, spec) for place, spec in _estimators(document) if is_own(spec)]
    named += [(("evaluation", "metrics", name, "function"), own.function) for name, own in metrics.items()]
    named += [(place, each.function) for place, each in _protected(case) if each.function]
    mistakes: dict[str, Mistake] = {}
    for place, spec in named:
        wrong = _wrong(document, place, partial(load_function, spec, case.code.texts, ""))
        if wrong is not None:
            mistakes.setdefault(spec.partition(":")[0], wrong)
    return list(mistakes.values())


def _try_features(case: UseCase, document: Document, rows: pd.DataFrame) -> list[Mistake]:
    recipe, mistakes = recipe_of(case), []
    visible = rows.drop(columns=[c for c in rows.columns if c in recipe.hidden or is_ours(c)])
    for place, spec in document.texts("features", "derived"):

        def run(spec: str = spec) -> None:
            made = derive(visible, recipe.functions((spec,)))
            refuse_infinite(made, (spec,))

        mistakes.append(_wrong(document, place, run))
    return [wrong for wrong in mistakes if wrong is not None]


def _try_groups(case: UseCase, document: Document, rows: pd.DataFrame) -> Iterator[Mistake]:
    """Functions of groups that do not run, and columns, functions and intersections with too many groups."""
    declaration, sources = case.declaration, evaluation_sources(case)
    groups: dict[str, Groups] = {}
    for place, each in _protected(case):

        def run(each: Protected = each) -> None:
            groups[each.called] = protected_groups(rows, declaration, each, sources)

        if (wrong := _wrong(document, place, run)) is not None:
            yield wrong
    for number, names in enumerate(declaration.governance.intersections):
        if groups.keys() >= {*names}:
            run_together = partial(together, [groups[name] for name in names])
            if (wrong := _wrong(document, ("governance", "intersections", number), run_together)) is not None:
                yield wrong


def _protected(case: UseCase) -> list[tuple[Place, Protected]]:
    protected = case.declaration.governance.protected
    return [(("governance", "protected", number), each) for number, each in enumerate(protected)]


def _try_models(case: UseCase, document: Document, rows: pd.DataFrame) -> Iterator[Mistake]:
    """Fit each estimator once, and again if rows are weighed by age; metrics get the first one's predictions."""
    declaration, labels = case.declaration, _labels(case, rows)
    places, racing = [place for place, _ in _estimators(document)], list(declaration.model.racing.values())
    windows, wrong_at = len(racing) // len(places), set[Place]()
    for number, model in enumerate(racing):
        place = places[number // windows]
        weighed = age_weights(model.window, rows[declaration.schema_.time]) is not None
        if place in wrong_at or (number % windows and not weighed):
            continue
        alone = replace(case, declaration=declaration.model_copy(update={"model": model}))
        predictions: list[np.ndarray] = []
        wrong = _wrong(document, place, partial(_fit, alone, rows, labels, predictions))
        if wrong is not None:
            wrong_at.add(place)
            yield wrong
        elif not number:
            yield from _try_metrics(case, document, labels, predictions[0], weights_of(rows, declaration.schema_))


def _fit(case: UseCase, rows: pd.DataFrame, labels: np.ndarray, into: list[np.ndarray]) -> None:
    """Append the predictions of a model fitted on the rows to a list, over the declared classes if there are several.

    Raises TrainingFailed, TeamCodeFailed, InputError.
    """
    declaration, recipe, schema = case.declaration, recipe_of(case), case.declaration.schema_
    inputs = recipe.inputs(rows)
    age = age_weights(declaration.model.window, rows[schema.time])
    weights = weights_of(rows, schema)
    pipeline = fit_pipeline(case.name, declaration.model, schema.task, recipe, inputs, labels, age, weights)
    if is_own(declaration.model.estimator):
        refuse_foreign_types(pipeline)
    refuse_not_in_parts(case, pipeline, recipe, rows)
    predictions = predict(pipeline, inputs, schema.task)
    if schema.task == "multiclass":
        predictions = in_places(predictions, np.unique(labels).astype(np.int64), len(schema.classes))
    into.append(predictions)


def _try_metrics(
    case: UseCase, document: Document, labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None
) -> Iterator[Mistake]:
    sources = metric_sources(case)
    for name in case.declaration.evaluation.metrics:

        def run(name: str = name) -> None:
            metric = declared_metric(case.declaration, sources, name)
            try:
                metric.measured(labels, predictions, weights)
            except Undefined:
                return  # undefined on these rows; others may be fine

        wrong = _wrong(document, ("evaluation", "metrics", name, "function"), run)
        if wrong is not None:
            yield wrong


def _wrong(document: Document, place: Place, run: Callable[[], object]) -> Mistake | None:
    """The mistake of the function at a place, None if it runs."""
    try:
        run()
    except PerennialError as error:
        message, _, fix = str(error).partition("\n")
        if message.startswith("model.params"):
            place = (*place[:-1], "params")
        mistake = document.mistake(place, message.removeprefix(": "), fix.strip(), code="does-not-run")
        if error.code == TOO_MANY:
            return replace(mistake, message=message.removeprefix(f"{error.field}: "), code=error.code)
        return mistake
    return None


def _estimators(document: Document) -> list[tuple[Place, str]]:
    """Places and names of the estimator and its rivals."""
    rivals = document.at("model", "rivals")
    places: list[Place] = [("model", "estimator")]
    places += [("model", "rivals", n, "estimator") for n in range(len(rivals) if isinstance(rivals, list) else 0)]
    return [(place, str(document.text(*place))) for place in places]


def _rows(case: UseCase, batch: Parsed, most: int) -> pd.DataFrame:
    """The first rows in the form in which the accepted table returns them, without those that lack a key, time or
    weight."""
    declaration, schema = case.declaration, case.declaration.schema_
    frame = batch.frame.dropna(subset=[*schema.key, schema.time])
    if schema.weight is not None:
        frame = frame[(frame[schema.weight] > 0) & np.isfinite(frame[schema.weight])]
    arrived = datetime(2000, 1, 1, tzinfo=UTC)  # never shown
    table = accepted_table(frame.head(most), declaration, column_types(declaration), "trial", arrived)
    rows: pd.DataFrame = table.to_pandas()
    return rows


def _enough(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, repeated where they are few."""
    import pandas as pd

    return pd.concat([rows] * max(1, -(-_FEWEST_ROWS // len(rows))), ignore_index=True)


def _labels(case: UseCase, rows: pd.DataFrame) -> np.ndarray:
    """The rows' labels as numbers, or made-up ones if they are unknown or have too few classes."""
    schema, made_up = case.declaration.schema_, np.arange(len(rows), dtype=np.float64)
    own = rows[schema.target]
    if schema.task == "regression":
        return own.to_numpy(dtype=np.float64) if own.notna().all() else made_up
    places = {value: float(place) for place, value in enumerate(schema.classes or (0, 1))}
    labels = own.map(places)
    if labels.notna().all() and len(counts := labels.value_counts()) > 1 and counts.min() >= _FEWEST:
        return labels.to_numpy(dtype=np.float64)
    return made_up % len(places)
