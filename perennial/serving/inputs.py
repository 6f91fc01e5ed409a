"""From checked records to a model's input, without pandas unless a custom function has to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perennial.features.recipe import Recipe
from perennial.features.row_wise import as_served, custom
from perennial.serving.moments import moment_functions
from perennial.serving.scorers.scorer import Columns
from perennial.sources.column_type import ColumnType
from perennial.usecase.built_in import built_in, derived_name

Inputs = Callable[[Mapping[str, Sequence[Any]]], Columns]
"""From checked columns (field → values) to a model's input."""


def inputs_of(recipe: Recipe, text: tuple[str, ...], types: Mapping[str, ColumnType]) -> Inputs:
    """The function that a model's recipe stands for.

    text: the model's inputs that hold text. types: field → declared type.
    """
    named = (*recipe.categorical, *recipe.numeric)
    if not recipe.derived:
        return lambda columns: {name: columns[name] for name in named}
    moments = moment_functions(recipe.derived, recipe.built_in) if recipe.built_in else None
    if moments is None or custom(recipe.derived):
        return _by_pandas(recipe, frozenset(text), types)
    time = recipe.built_in.time if recipe.built_in else ""
    made = [(derived_name(spec), (built_in(spec) or ("", ""))[1], values) for spec, values in moments.items()]

    def inputs(columns: Mapping[str, Sequence[Any]]) -> Columns:
        event = columns.get(time, ())
        return {
            **{name: columns[name] for name in named},
            **{name: values(columns[column], event or columns[column]) for name, column, values in made},
        }

    return inputs


def _by_pandas(recipe: Recipe, text: frozenset[str], types: Mapping[str, ColumnType]) -> Inputs:
    def inputs(columns: Mapping[str, Sequence[Any]]) -> Columns:
        import numpy as np

        made = recipe.inputs(as_served(columns, types))
        return {
            name: made[name].astype("object").where(made[name].notna(), None).tolist()
            if name in text
            else made[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
            for name in made.columns
        }

    return inputs
