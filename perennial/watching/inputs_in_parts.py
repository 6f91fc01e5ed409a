"""The features of rows in memory or on disk, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from perennial.features.recipe import Recipe
from perennial.store.stored_rows import StoredRows, in_memory, parts_of, rows_at, together
from perennial.watching.statistics.counting import RowDays, row_days
from perennial.watching.statistics.frames import day_numbers

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Inputs:
    """Rows with their features. by_row: whether the features of a row on disk depend on no other row.

    Otherwise all rows are read into memory.
    """

    recipe: Recipe
    rows: pd.DataFrame | StoredRows
    by_row: bool

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """The features, part by part, as often as they are needed; those of rows in memory are one part."""
        return (features for _, features in self.beside_rows())

    def beside_rows(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """The same, each with its rows."""
        if isinstance(self.rows, StoredRows) and self.by_row:
            return ((part, self.recipe.inputs(part)) for part in parts_of(self.rows))
        return iter([self._whole])

    def at(self, places: np.ndarray) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
        """The features at some places, part by part: which of the places each part has, and their features."""
        if isinstance(self.rows, StoredRows) and self.by_row:
            return ((inside, self.recipe.inputs(part)) for inside, part in self.rows.frames_at(places))
        return iter([(np.arange(len(places)), self.whole.iloc[places])])

    def few_at(self, places: np.ndarray) -> pd.DataFrame:
        """The features at some places, in memory, in their order."""
        if isinstance(self.rows, StoredRows) and self.by_row:
            return self.recipe.inputs(rows_at(self.rows, places, self.rows.columns))
        return self.whole.iloc[places]

    @property
    def whole(self) -> pd.DataFrame:
        """The features of all rows, in memory."""
        return self._whole[1]

    @cached_property
    def _whole(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        rows = in_memory(self.rows)
        return rows, self.recipe.inputs(rows)


def days_in(rows: pd.DataFrame | StoredRows, time: str, timezone: str) -> RowDays:
    """The day of each row on the use case's calendar. time: the column."""
    return row_days(together(rows, (day_numbers(part[time], timezone) for part in parts_of(rows, [time]))))
