"""Counting the features of a batch, as the model sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.local_time import on_local_clocks
from perennial.watching.statistics.counting import RowDays, Tally, row_days, tally_categories, tally_numbers
from perennial.watching.statistics.counts import Counts, merged
from perennial.watching.statistics.grid import Grid, NumberGrid, category_grid, number_grid
from perennial.watching.statistics.terms import BinLoss, add_loss, no_loss

if TYPE_CHECKING:
    import pandas as pd


def days_of(times: pd.Series, timezone: str) -> RowDays:
    """The day of each row on the use case's calendar. times: datetime64[…, UTC], shape (n,)."""
    return row_days(day_numbers(times, timezone))


def day_numbers(times: pd.Series, timezone: str) -> IntArray:
    """The day of each row on the use case's calendar, as days since 1970, shape (n,)."""
    return on_local_clocks(times, timezone).to_numpy().astype("datetime64[D]").astype(np.int64)


def grids_of(inputs: pd.DataFrame) -> dict[str, Grid]:
    """The grid of each feature that has a value. inputs: one column per feature, as of `Recipe.inputs`."""
    from perennial.model.predicting import text_columns

    text = set(text_columns(inputs))
    known = [name for name in inputs.columns if inputs[name].notna().any()]
    return {
        name: category_grid(texts_of(inputs[name])) if name in text else number_grid(numbers_of(inputs[name]))
        for name in known
    }


def texts_of(values: pd.Series) -> dict[str, int]:
    """How many rows have each value, as text."""
    codes, distinct = _codes(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    return {value: int(rows) for value, rows in zip(distinct, counts, strict=True)}


def tally_inputs(inputs: pd.DataFrame, days: RowDays, grids: Mapping[str, Grid]) -> dict[str, Tally]:
    """Of each feature. A feature without a grid has no value in any row so far: all are missing."""
    return {name: _tallied(inputs[name], days, grids.get(name)) for name in inputs.columns}


def _tallied(values: pd.Series, days: RowDays, grid: Grid | None) -> Tally:
    if grid is None:
        return Tally(days.days, np.bincount(days.codes, minlength=days.days.size).reshape(-1, 1))
    if isinstance(grid, NumberGrid):
        return tally_numbers(numbers_of(values), days, grid)
    codes, distinct = _codes(values)
    return tally_categories(codes, distinct, days, grid)


def bins_of(values: pd.Series, grid: Grid) -> IntArray:
    """The fine bin of each value, shape (n,); the last one, `grid.bins`, if missing."""
    if isinstance(grid, NumberGrid):
        return grid.bins_of(numbers_of(values))
    codes, distinct = _codes(values)
    places = np.array([*(grid.bin_of(value) for value in distinct), grid.bins], dtype=np.int64)
    bins: IntArray = places[codes]
    return bins


def losses_in_bins(parts: Iterable[pd.DataFrame], loss: FloatArray, grids: Mapping[str, Grid]) -> dict[str, BinLoss]:
    """Rows and loss in the fine bins of each feature that has a grid.

    parts: the features of n rows, part by part. loss: shape (n,), of each row.
    """
    summed: dict[str, BinLoss] = {}
    start = 0
    for features in parts:
        of_part = loss[start : start + len(features)]
        start += len(features)
        for name, grid in grids.items():
            if name in features:
                of_feature = summed.setdefault(name, no_loss(grid.bins + 1))
                add_loss(of_feature, bins_of(features[name], grid), of_part)
    return summed


def numbers_of(values: pd.Series) -> FloatArray:
    """The values as numbers, shape (n,), NaN if missing."""
    if values.dtype == np.float64:
        return values.to_numpy()  # as they are: naming a missing value would look for them and copy
    numbers: FloatArray = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _codes(values: pd.Series) -> tuple[IntArray, list[str]]:
    """Each row's position among the distinct values, −1 if missing, and these as text."""
    import pandas as pd

    codes, distinct = pd.factorize(values)
    return codes.astype(np.int64), [str(value) for value in distinct]


def on_grid(counts: Counts, grid: Grid | None) -> Counts:
    """Counts in the shape of a grid that a feature got later: until then all its values were missing."""
    if grid is None or counts.counts.shape[1] == grid.bins + 1:
        return counts
    wide = np.zeros((counts.days.size, grid.bins + 1), dtype=np.int64)
    wide[:, -1] = counts.counts[:, -1]
    return Counts(counts.days, wide)


def merged_features(parts: Iterable[Mapping[str, Counts]], grids: Mapping[str, Grid]) -> dict[str, Counts]:
    """The counts of several batches together, for each feature that all of them have."""
    every = list(parts)
    names = [name for name in every[0] if all(name in part for part in every)] if every else []
    return {name: merged([on_grid(part[name], grids.get(name)) for part in every]) for name in names}
