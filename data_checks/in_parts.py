"""Runs the checks of a batch that is too large for memory, with the results of all its rows together.

Checks of single rows run on a slice at a time. A check for unique rows runs first on all rows that may have a twin,
then on the rest of each slice. Other checks, as of a mean, get all values of their column.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from data_checks.helper_columns import RowNotes, needed_columns, plain_types, with_helpers
from data_checks.merged import is_about_single_rows, is_about_unique_rows, merged
from data_checks.running import CheckResult, run
from data_checks.suite import Planned
from data_checks.wording import columns_of
from perennial.sources.twins import twins_in

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.stored import Stored

SLICE = 2**22
"""Rows that Great Expectations gets at a time."""


@dataclass(frozen=True)
class InParts:
    """A batch of which a slice is in memory at a time. planned: all checks that will run."""

    batch: Stored
    notes: RowNotes
    planned: Sequence[Planned]

    @cached_property
    def _slices(self) -> list[Stored]:
        return self.batch.sliced(SLICE)

    @cached_property
    def _types(self) -> dict[str, str | None]:
        return plain_types(self.batch, self.planned)

    def run(self, planned: Sequence[Planned], result_format: Mapping[str, Any]) -> list[CheckResult]:
        """As `run` of all rows."""
        single = [check for check in planned if is_about_single_rows(check)]
        unique = [check for check in planned if is_about_unique_rows(check)]
        done = {}
        if single:
            results = self._merged(single, result_format, self._in_slices(single))
            done = {id(check): result for check, result in zip(single, results, strict=True)}
        for check in unique:
            done[id(check)] = self._merged([check], result_format, self._twins_first(check))[0]
        whole = [check for check in planned if id(check) not in done]
        if whole:
            results = run(self._frame(self.batch, whole), whole, result_format)
            done |= {id(check): result for check, result in zip(whole, results, strict=True)}
        return [done[id(check)] for check in planned]

    def unreadable(self, column: str) -> set[int]:
        """The rows with a value of the column that could not be read."""
        if column not in self.batch.unreadable:
            return set()
        parts = self.batch.text_parts("unreadable", column)
        return {int(row) for part in parts for row in part.index[part.notna()]}

    def _frame(self, batch: Stored, planned: Sequence[Planned]) -> pd.DataFrame:
        types = {name: self._types[name] for name in needed_columns(planned, batch.names)}
        return with_helpers(batch, planned, self.notes, types)

    def _in_slices(self, planned: Sequence[Planned]) -> Iterator[pd.DataFrame]:
        return (self._frame(each, planned) for each in self._slices)

    def _twins_first(self, check: Planned) -> Iterator[pd.DataFrame]:
        """Frames among which a value is in one only: all rows that may have a twin, then the others."""
        import pandas as pd

        planned, arguments = [check], check.expectation.configuration.kwargs
        columns = list(columns_of(arguments))
        ignores_nulls = len(columns) == 1 or arguments.get("ignore_row_if") == "any_value_is_missing"

        def keys() -> Iterator[pd.DataFrame]:
            parts = self.batch.parts(columns)
            return (part.dropna() for part in parts) if ignores_nulls else parts

        twins = twins_in(keys, len(self.batch))
        if twins.size:
            yield pd.concat(frame.loc[frame.index.isin(twins)] for frame in self._in_slices(planned))
        yield from (frame.loc[~frame.index.isin(twins)] for frame in self._in_slices(planned))

    @staticmethod
    def _merged(
        planned: Sequence[Planned], result_format: Mapping[str, Any], frames: Iterator[pd.DataFrame]
    ) -> list[CheckResult]:
        by_frame = []
        for frame in frames:
            by_frame.append(run(frame, planned, result_format))
            gc.collect()  # a run of Great Expectations refers to itself in circles, and so keeps its frame
        return [merged(results) for results in zip(*by_frame, strict=True)]
