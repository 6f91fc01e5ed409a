"""Trying a declaration out: the team's functions and the estimators run on some rows, before anything is written.

Whatever they do wrong becomes a mistake of the declaration, with its field and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from perennial.errors import PerennialError
from perennial.evaluation.metrics.metric import Undefined
from perennial.features.derived import derive, refuse_infinite
from perennial.features.recipe import recipe_of
from perennial.intake.frames import accepted_table
from perennial.model.predicting import in_places, predict
from perennial.our_columns import is_ours
from perennial.sources.parsing import Parsed
from perennial.team_code.loading import load_function
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.training.estimator_fit import fit_pipeline
from perennial.training.foreign_types import refuse_foreign_types
from perennial.training.snapshot import age_weights
from perennial.usecase.built_in import built_in
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import UseCase
from perennial.usecase.document import Document, Place
from perennial.usecase.importable import is_own
from perennial.usecase.mistakes import Mistake

if TYPE_CHECKING:
    import pandas as pd

ROWS = 2_000
"""As many rows are tried at most."""
_FEWEST = 20
"""Rows of each class; where there are fewer, labels are made up, since an estimator may want several."""
_FEWEST_ROWS = 200
"""Models are fitted on as many at least: rows of a smaller batch are repeated, since later ones make up for it."""


def try_out(case: UseCase, document: Document, batch: Parsed | None) -> list[Mistake]:
    """Every mistake that shows when the team's functions and the estimators run.

    batch: whose rows they run on; without one, or where it lacks columns, the team's files are loaded and that is all.
    """
    found = _load(case, document)
    if found or batch is None or not rows_tried(batch):
        return found
    rows = _rows(case, batch)
    if len(rows) < 2:
        return found
    found = _try_features(case, document, rows)
    return found or [*_try_models(case, document, _enough(rows))]


def rows_tried(batch: Parsed | None) -> int:
    """On how many rows of a batch `try_out` runs what it tries."""
    return 0 if batch is None or batch.missing or len(batch.frame) < 2 else min(len(batch.frame), ROWS)


def _load(case: UseCase, document: Document) -> list[Mistake]:
    """Mistakes of files that do not run, each told once."""
    metrics = case.declaration.evaluation.metrics
    named = [(place, spec) for place, spec in document.texts("features", "derived") if built_in(spec) is None]
    named += [(place, spec) for place, spec in _estimators(document) if is_own(spec)]
    named += [(("evaluation", "metrics", name, "function"), own.function) for name, own in metrics.items()]
    found: dict[str, Mistake] = {}
    for place, spec in named:
        wrong = _wrong(document, place, partial(load_function, spec, case.code.texts, ""))
        if wrong is not None:
            found.setdefault(spec.partition(":")[0], wrong)
    return list(found.values())


def _try_features(case: UseCase, document: Document, rows: pd.DataFrame) -> list[Mistake]:
    recipe, found = recipe_of(case), []
    visible = rows.drop(columns=[c for c in rows.columns if c in recipe.hidden or is_ours(c)])
    for place, spec in document.texts("features", "derived"):

        def run(spec: str = spec) -> None:
            made = derive(visible, recipe.functions((spec,)))
            refuse_infinite(made, (spec,))

        found.append(_wrong(document, place, run))
    return [wrong for wrong in found if wrong is not None]


def _try_models(case: UseCase, document: Document, rows: pd.DataFrame) -> Iterator[Mistake]:
    """Each estimator is fitted once, and where rows are weighed by age; the metrics see the first one's predictions."""
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
            yield from _try_metrics(case, document, labels, predictions[0])


def _fit(case: UseCase, rows: pd.DataFrame, labels: np.ndarray, into: list[np.ndarray]) -> None:
    """Put the predictions of a model fitted on the rows into a list, over the declared classes where there are several.

    Raises TrainingFailed, TeamCodeFailed, InputError.
    """
    declaration, recipe, schema = case.declaration, recipe_of(case), case.declaration.schema_
    inputs = recipe.inputs(rows)
    age = age_weights(declaration.model.window, rows[schema.time])
    pipeline = fit_pipeline(case.name, declaration.model, schema.task, recipe, inputs, labels, age)
    if is_own(declaration.model.estimator):
        refuse_foreign_types(pipeline)
    predictions = predict(pipeline, inputs, schema.task)
    if schema.task == "multiclass":
        predictions = in_places(predictions, np.unique(labels).astype(np.int64), len(schema.classes))
    into.append(predictions)


def _try_metrics(case: UseCase, document: Document, labels: np.ndarray, predictions: np.ndarray) -> Iterator[Mistake]:
    sources = metric_sources(case)
    for name in case.declaration.evaluation.metrics:

        def run(name: str = name) -> None:
            metric = declared_metric(case.declaration, sources, name)
            try:
                metric.value_and_influence(labels, predictions)
            except Undefined:
                return  # on these rows; others may do

        wrong = _wrong(document, ("evaluation", "metrics", name, "function"), run)
        if wrong is not None:
            yield wrong


def _wrong(document: Document, place: Place, run: Callable[[], object]) -> Mistake | None:
    """What is wrong with the function at a place, None where it runs."""
    try:
        run()
    except PerennialError as error:
        told, _, fix = str(error).partition("\n")
        if told.startswith("model.params"):
            place = (*place[:-1], "params")
        return document.mistake(place, told.removeprefix(": "), fix.strip(), code="does-not-run")
    return None


def _estimators(document: Document) -> list[tuple[Place, str]]:
    """Places and names of the estimator and its rivals."""
    rivals = document.at("model", "rivals")
    places: list[Place] = [("model", "estimator")]
    places += [("model", "rivals", n, "estimator") for n in range(len(rivals) if isinstance(rivals, list) else 0)]
    return [(place, str(document.text(*place))) for place in places]


def _rows(case: UseCase, batch: Parsed) -> pd.DataFrame:
    """Rows as the accepted table gives them back, those without a key or time left out."""
    declaration, schema = case.declaration, case.declaration.schema_
    frame = batch.frame.dropna(subset=[*schema.key, schema.time]).head(ROWS)
    arrived = datetime(2000, 1, 1, tzinfo=UTC)  # shown to nobody
    table = accepted_table(frame, declaration, column_types(declaration), "trial", arrived)
    found: pd.DataFrame = table.to_pandas()
    return found


def _enough(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, repeated where they are few."""
    import pandas as pd

    return pd.concat([rows] * max(1, -(-_FEWEST_ROWS // len(rows))), ignore_index=True)


def _labels(case: UseCase, rows: pd.DataFrame) -> np.ndarray:
    """The rows' own labels as numbers, made up where they are unknown or of too few classes."""
    schema, made_up = case.declaration.schema_, np.arange(len(rows), dtype=np.float64)
    own = rows[schema.target]
    if schema.task == "regression":
        return own.to_numpy(dtype=np.float64) if own.notna().all() else made_up
    places = {value: float(place) for place, value in enumerate(schema.classes or (0, 1))}
    labels = own.map(places)
    if labels.notna().all() and len(counts := labels.value_counts()) > 1 and counts.min() >= _FEWEST:
        return labels.to_numpy(dtype=np.float64)
    return made_up % len(places)
