"""Fits a model on rows that are on disk, part by part: encoders on a sample of them, the estimator on all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.features.derived import refuse_infinite
from perennial.features.recipe import recipe_of
from perennial.our_columns import PREFIX
from perennial.store.key_hash import key_hashes
from perennial.store.rows import frame_of, labels_of, weights_of
from perennial.store.site import Site
from perennial.store.stored_rows import PART, StoredRows, stored_rows
from perennial.store.stream import Stream
from perennial.training.encoded_rows import encoded_rows
from perennial.training.encoding import Encoding
from perennial.training.estimator_fit import (
    failures_of,
    refuse_weights,
    refuse_without_probabilities,
    row_weights,
    target_of,
)
from perennial.training.fit_result import Fit, as_fitted, in_sample, spread_places
from perennial.training.fit_together import fit_together
from perennial.training.kept_rows import Kept, kept_part
from perennial.training.learners import (
    Columns,
    boost,
    halves,
    is_xgboost,
    learn_part,
    takes_weights,
)
from perennial.training.not_in_parts import refuse_unless_row_wise, refuse_whole_only
from perennial.training.pipeline import build_pipeline
from perennial.training.rows import age_weights
from perennial.training.sample import are_chosen, priorities, smallest
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_model import Model, Parts, Sample
from perennial.usecase.importable import is_own

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_HASH = f"{PREFIX}hash"


def fit_in_parts(case: UseCase, rows: StoredRows, site: Site | None) -> Fit:
    """As `fit`, with a column and a part of the rows in memory at a time. rows: in key order.

    The steps before the estimator are fitted on the rows of `model.parts.prepared_on`. XGBoost gets all rows in key
    order, `partial_fit` in the order of a hash of their keys and `model.seed`, always in this process. site: where
    several workers of XGBoost run; None for this process.
    """
    model, schema, recipe = case.declaration.model, case.declaration.schema_, recipe_of(case)
    some = _prepared_rows(rows, case)
    inputs = recipe.inputs(some)
    refuse_infinite(inputs, recipe.derived)
    refuse_unless_row_wise(case, recipe, some)
    started = time.perf_counter()
    counted = _with_counted_classes(model, target_of(labels_of(rows, schema), schema.task, model))
    pipeline = build_pipeline(counted, inputs, recipe.sources)
    before, estimator = halves(pipeline)
    refuse_whole_only(model, estimator)
    with _as_learned(rows, case, estimator) as ordered, failures_of(case.name, model):
        encoding = Encoding.fitted(before, inputs, labels_of(some, schema))
        kept = Kept(spread_places(len(ordered)))
        _learn(case, ordered, encoding, estimator, kept, site)
        seconds = time.perf_counter() - started
        refuse_without_probabilities(case.name, model, schema.task, pipeline)
        labels, weights = labels_of(ordered, schema), weights_of(ordered, schema)
    fitted = as_fitted(case, pipeline, recipe, labels, weights, kept.categories)
    of_some = None if weights is None else weights[kept.places]
    value = in_sample(case, fitted, kept.inputs, labels[kept.places], of_some)
    return Fit(fitted, some, inputs, seconds, value, len(kept.places), None)


def _learn(case: UseCase, rows: StoredRows, encoding: Encoding, estimator: Any, kept: Kept, site: Site | None) -> None:
    """Fit the estimator. rows: in the order in which it gets them."""
    model, schema, parts = case.declaration.model, case.declaration.schema_, _parts(case)
    target = target_of(labels_of(rows, schema), schema.task, model)
    age, declared = age_weights(model.window, rows[schema.time]), weights_of(rows, schema)
    refuse_weights(model, age, declared, takes_weights=takes_weights(estimator))
    weights = row_weights(model, target, age, declared)
    del age, declared
    beside = [target, *([] if weights is None else [weights])]
    classes = None if schema.task == "regression" else np.arange(int(target.max()) + 1)
    columns = Columns(classes, weights is not None)

    def encoded(keeping: bool) -> Iterator[np.ndarray]:
        recipe, start = recipe_of(case), 0
        for part in rows.parts(parts.rows):
            inputs = recipe.inputs(frame_of(part))
            refuse_infinite(inputs, recipe.derived)
            typed = encoding.typed(inputs)
            end = start + len(typed)
            if keeping:
                kept.add(kept_part(typed, kept.places_in(start, end)))
            yield np.column_stack([encoding.of(typed), *(each[start:end] for each in beside)])
            start = end

    if parts.workers > 1:
        fit_together(case, rows, encoding, estimator, beside, columns, kept, site)
        return
    if not is_xgboost(estimator):
        for number in range(parts.passes):
            for part in encoded(keeping=number == 0):
                learn_part(estimator, part, columns)
        return
    with encoded_rows(rows.bounds.spill, encoding.width + len(beside)) as stored:
        for part in encoded(keeping=True):
            stored.append(part)
        beside.clear()
        del target, weights
        estimator.load_model(boost(estimator, partial(stored.parts, parts.rows), columns, rows.bounds.spill))


@contextmanager
def _as_learned(rows: StoredRows, case: UseCase, estimator: Any) -> Iterator[StoredRows]:
    """The rows in the order in which an estimator gets them, until the end of the block."""
    import pyarrow as pa

    if is_xgboost(estimator):
        yield rows
        return
    key, seed = case.declaration.schema_.key, case.declaration.model.seed

    def hashed() -> Iterator[pa.Table]:
        for part in rows.parts(PART):
            yield part.append_column(_HASH, pa.array(key_hashes(part, key, seed)))

    schema = rows.files[0].schema_arrow.append(pa.field(_HASH, pa.uint64()))
    with stored_rows(rows.bounds, Stream(schema, hashed()), [_HASH, *key]) as ordered:
        yield ordered


def _parts(case: UseCase) -> Parts:
    parts = case.declaration.model.parts
    assert parts is not None, "no parts are declared"
    return parts


def _prepared_rows(rows: StoredRows, case: UseCase) -> pd.DataFrame:
    """The rows whose keys have the smallest hashes, in key order; all if there are no more."""
    import pyarrow as pa

    schema, sample = case.declaration.schema_, Sample(rows=_parts(case).prepared_on)
    model = case.declaration.model.model_copy(update={"sample": sample})
    _, bound = smallest((priorities(part, schema, model) for part in rows.parts(PART, schema.key)), sample)
    tables = rows.parts(PART)
    if bound is None:
        return frame_of(pa.concat_tables(tables))
    few = pa.concat_tables(part.filter(pa.array(priorities(part, schema, model) <= bound)) for part in tables)
    return frame_of(few.filter(pa.array(are_chosen(priorities(few, schema, model), bound, sample))))


def _with_counted_classes(model: Model, target: Any) -> Model:
    """`class_weight: balanced` as weights by class, because `partial_fit` sees the classes of one part only."""
    from sklearn.utils.class_weight import compute_class_weight

    if is_own(model.estimator) or model.params.get("class_weight") != "balanced":
        return model
    classes = np.unique(target)
    weights = compute_class_weight("balanced", classes=classes, y=target)
    by_class = dict(zip(classes.tolist(), weights.tolist(), strict=True))
    return model.model_copy(update={"params": {**model.params, "class_weight": by_class}})
