"""A batch's rows as passed to Great Expectations: numpy types, and helper columns for what it cannot see.

Which values could not be read, and which keys were accepted before, cannot be expressed in a data frame of typed
columns. They are passed as helper columns, which are null for rows without a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from data_checks.suite import ACCEPTED_IN, TIME_FAULT, Planned, unreadable_in
from data_checks.wording import columns_of
from perennial.sources.batch_rows import column_parts

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.batch_rows import BatchRows

_EXACT_IN_FLOAT = 2**53


@dataclass(frozen=True)
class RowNotes:
    """What is known of some rows beside their values.

    accepted_in: row → the batch in which its key was accepted before, for those that were; None if none was.
    time_faults: row → what is implausible about its time, for those where something is; None if nothing is.
    """

    accepted_in: pd.Series | None = None
    time_faults: pd.Series | None = None


def with_helpers(
    batch: BatchRows, planned: Sequence[Planned], notes: RowNotes, types: Mapping[str, str | None]
) -> pd.DataFrame:
    """The columns and the helper columns that the planned checks need.

    notes: of these rows and others. types: of the columns, as `plain_types` has them.
    """
    import pandas as pd

    accepted_in, time_faults = notes.accepted_in, notes.time_faults
    frame = pd.DataFrame({name: _plain(batch.column(name), of) for name, of in types.items()}, index=batch.index)
    nothing = pd.Series(float("nan"), index=frame.index, dtype="float16")  # most helper columns of most batches
    helpers: dict[str, pd.Series] = {}
    for check in planned:
        column = check.expectation.configuration.kwargs.get("column")
        if column == ACCEPTED_IN:
            helpers[ACCEPTED_IN] = nothing if accepted_in is None else accepted_in.astype("str").reindex(frame.index)
        elif column is not None and column in TIME_FAULT.values():
            faults = None if time_faults is None else time_faults[time_faults.map(TIME_FAULT.get) == column]
            helpers[column] = nothing if faults is None or faults.empty else faults.astype("str").reindex(frame.index)
        elif check.standing and check.needs and column == unreadable_in(check.needs[0]):
            helpers[column] = batch.unreadable.get(check.needs[0], nothing)
    return pd.concat([frame, pd.DataFrame(helpers, index=frame.index)], axis=1) if helpers else frame


def plain_types(batch: BatchRows, planned: Sequence[Planned]) -> dict[str, str | None]:
    """The columns of the batch that the checks need, and the types as which Great Expectations gets their values.

    It compares numpy's types as a whole instead of value by value. None: the type that the values have.
    """
    return {name: _plain_type(partial(column_parts, batch, name)) for name in needed_columns(planned, batch.names)}


def needed_columns(planned: Sequence[Planned], columns: Iterable[str]) -> list[str]:
    """Those of the columns that the checks name: Great Expectations copies all that it is given, for each check."""
    arguments = [check.expectation.configuration.kwargs for check in planned]
    named = {column for each in arguments for column in columns_of(each)}
    conditions = [str(each["row_condition"]) for each in arguments if each.get("row_condition")]
    # A column without its name in the condition has no part in it; one with a short name may be there by chance.
    return [column for column in columns if column in named or any(column in text for text in conditions)]


def _plain_type(parts: Callable[[], Iterator[pd.Series]]) -> str | None:
    from pandas.api import types

    dtype = next(parts()).dtype
    if types.is_float_dtype(dtype):
        return "float64"
    if not types.is_bool_dtype(dtype) and not types.is_integer_dtype(dtype):
        return None
    missing = any(part.hasnans for part in parts())
    if types.is_bool_dtype(dtype):
        return "object" if missing else "bool"
    return ("float64" if all(map(_is_exact_in_float, parts())) else None) if missing else "int64"


def _is_exact_in_float(values: pd.Series) -> bool:
    """Compared by its ends, because the smallest integer has no absolute value."""
    known = values.dropna()
    return known.empty or bool(-_EXACT_IN_FLOAT < known.min() <= known.max() < _EXACT_IN_FLOAT)


def _plain(values: pd.Series, dtype: str | None) -> pd.Series:
    if dtype == "object":
        return values.astype("object").where(values.notna(), None)
    return values if dtype is None else values.astype(dtype)
