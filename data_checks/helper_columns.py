"""A batch's rows as passed to Great Expectations: numpy types, and helper columns for what it cannot see.

Which values could not be read, and which keys were accepted before, cannot be expressed in a data frame of typed
columns. They are passed as helper columns, which are null for rows without a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from data_checks.suite import ACCEPTED_IN, TIME_FAULT, Planned, unreadable_in
from data_checks.wording import columns_of

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.batch_rows import BatchRows

_EXACT_IN_FLOAT = 2**53


def with_helpers(
    batch: BatchRows, planned: Sequence[Planned], accepted_in: pd.Series | None, time_faults: pd.Series | None = None
) -> pd.DataFrame:
    """The columns and the helper columns that the planned checks need.

    accepted_in: row → the batch in which its key was accepted before, for those that were.
    time_faults: row → what is implausible about its time, for those where something is.
    """
    import pandas as pd

    needed = needed_columns(planned, batch.names)
    frame = pd.DataFrame({column: _plain(batch.column(column)) for column in needed}, index=batch.index)
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
    return pd.concat([frame, pd.DataFrame(helpers, index=frame.index)], axis=1)


def needed_columns(planned: Sequence[Planned], columns: Iterable[str]) -> list[str]:
    """Those of the columns that the checks name: Great Expectations copies all that it is given, for each check."""
    arguments = [check.expectation.configuration.kwargs for check in planned]
    named = {column for each in arguments for column in columns_of(each)}
    conditions = [str(each["row_condition"]) for each in arguments if each.get("row_condition")]
    # A column without its name in the condition has no part in it; one with a short name may be there by chance.
    return [column for column in columns if column in named or any(column in text for text in conditions)]


def _plain(values: pd.Series) -> pd.Series:
    """A column with a numpy type, which Great Expectations compares as a whole instead of value by value."""
    import pandas as pd

    kind = pd.api.types
    if kind.is_bool_dtype(values.dtype):
        return values.astype("bool") if not values.hasnans else values.astype("object").where(values.notna(), None)
    if kind.is_integer_dtype(values.dtype):
        if not values.hasnans:
            return values.astype("int64")
        # Compared by its ends, because the smallest integer has no absolute value.
        exact = values.isna().all() or -_EXACT_IN_FLOAT < values.min() <= values.max() < _EXACT_IN_FLOAT
        return values.astype("float64") if exact else values
    return values.astype("float64") if kind.is_float_dtype(values.dtype) else values
