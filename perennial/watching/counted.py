"""Counts of the features of rows in memory or on disk, and the grids that they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from perennial.features.recipe import Recipe
from perennial.model.predicting import text_columns
from perennial.scoring.elsewhere import Elsewhere
from perennial.store.filed_array import filed_columns
from perennial.store.rows import frame_of
from perennial.store.site import shared_rows
from perennial.store.stored_rows import PART, StoredRows
from perennial.store.whole_types import WholeTypes
from perennial.usecase.declared_schema import Schema
from perennial.watching.inputs_in_parts import Inputs
from perennial.watching.statistics.counting import Tally, joined
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.frames import days_of, grids_of, numbers_of, tally_inputs, texts_of
from perennial.watching.statistics.grid import Grid, category_grid, number_grid

if TYPE_CHECKING:
    import pandas as pd

_TOGETHER = 32
"""So many parts are joined at once."""


def new_grids(inputs: Inputs, known: Mapping[str, Grid]) -> dict[str, Grid]:
    """The grid of each feature that has its first values in these rows."""
    if not isinstance(inputs.rows, StoredRows) or not inputs.by_row:
        (features,) = inputs
        return grids_of(features[[name for name in features.columns if name not in known]])
    order: list[str] = []
    texts: dict[str, Counter[str]] = {}
    seen: set[str] = set()

    def numbers() -> Iterator[dict[str, np.ndarray]]:
        for features in inputs:
            new = features[[name for name in features.columns if name not in known]]
            order[:] = new.columns
            with_values = {name for name in order if new[name].notna().any()}
            seen.update(with_values)
            text = with_values.intersection(text_columns(new))
            for name in text:
                texts.setdefault(name, Counter()).update(texts_of(new[name]))
            yield {name: numbers_of(new[name]) for name in order if name not in text}

    arrays = filed_columns(inputs.rows.bounds.spill, numbers())
    return {
        name: category_grid(texts[name]) if name in texts else number_grid(arrays[name])
        for name in order
        if name in seen
    }


def counted(
    inputs: Inputs, schema: Schema, grids: Mapping[str, Grid], elsewhere: Elsewhere | None = None
) -> dict[str, Counts]:
    """The counts of each feature, to the last bit the same in memory and on disk.

    elsewhere: who counts rows on disk; None for this process.
    """
    rows = inputs.rows
    tallies: Iterable[dict[str, Tally]]
    if elsewhere is None or not isinstance(rows, StoredRows) or not inputs.by_row or not len(rows):
        tallies = (_tallied(part, features, schema, grids) for part, features in inputs.beside_rows())
    else:
        asked = _Asked(elsewhere.site.place, inputs.recipe, schema, rows.types, grids)
        tallies = elsewhere.mapped("count", partial(counted_part, asked), rows.parts(PART))
    return {name: each.summed for name, each in _joined(tallies).items()}


@dataclass(frozen=True)
class _Asked:
    """What every part is counted with."""

    place: str
    recipe: Recipe
    schema: Schema
    types: WholeTypes
    grids: Mapping[str, Grid]


def counted_part(asked: _Asked, name: str) -> dict[str, Tally]:
    """Of each feature of the rows in a file of the site."""
    part = asked.types.typed(frame_of(shared_rows(asked.place, name)))
    return _tallied(part, asked.recipe.inputs(part), asked.schema, asked.grids)


def _tallied(part: pd.DataFrame, features: pd.DataFrame, schema: Schema, grids: Mapping[str, Grid]) -> dict[str, Tally]:
    return tally_inputs(features, days_of(part[schema.time], schema.timezone), grids)


def _joined(parts: Iterable[dict[str, Tally]]) -> dict[str, Tally]:
    held: list[dict[str, Tally]] = []
    for part in parts:
        held.append(part)
        if len(held) == _TOGETHER:
            held = [_of_all(held)]
    return _of_all(held)


def _of_all(parts: list[dict[str, Tally]]) -> dict[str, Tally]:
    return {name: joined([each[name] for each in parts]) for name in parts[0]}
