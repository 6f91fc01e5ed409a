"""Whether custom derived features depend on one row only, so that a single request gets the value that a batch gets.

A `groupby().transform` gives a row another value when it arrives alone, and so does code that depends on the type that
pandas gives a whole column. Such a use case is scored in batches only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from perennial.features.derived import derive
from perennial.features.recipe import Recipe
from perennial.sources.column_type import ColumnType
from perennial.team_code.loading import Function, TeamCodeFailed
from perennial.usecase.built_in import built_in

if TYPE_CHECKING:
    import pandas as pd

SAMPLED = 12
"""Rows compared. They are spread evenly over the frame, so the same rows are compared again."""


class RowWise(BaseModel):
    """What is known of a model's custom derived features. Stored with the model; it contains no value of any row.

    reason: why single rows cannot be scored; None if they can. reads: the columns that the functions read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str | None
    reads: tuple[str, ...]


def custom(derived: Sequence[str]) -> tuple[str, ...]:
    """The derived features among these that are custom functions."""
    return tuple(spec for spec in derived if built_in(spec) is None)


def row_wise(recipe: Recipe, rows: pd.DataFrame, types: Mapping[str, ColumnType]) -> RowWise | None:
    """What single rows give, compared bit for bit with the whole frame; None without custom functions.

    rows: accepted rows, at least one. types: of their declared columns.
    """
    if not (specs := custom(recipe.derived)):
        return None
    functions = recipe.functions(specs)
    visible = rows[[name for name in rows.columns if name in types and name not in recipe.hidden]]
    sampled = _spread(len(rows))
    difference = first_difference(functions, visible, types, sampled)
    reason = difference if difference is None else difference[0]
    return RowWise(reason=reason, reads=_columns_read(functions, visible.iloc[sampled]))


def first_difference(
    functions: Mapping[str, Function], rows: pd.DataFrame, types: Mapping[str, ColumnType], sampled: Sequence[int]
) -> tuple[str, str] | None:
    """Why a function is not row-wise, without and with the values of the row; None if every one is.

    sampled: positions of the rows that are compared.
    """
    together = derive(rows, functions)
    for place in sampled:
        alone = as_served({name: [_plain(rows[name].iloc[place])] for name in rows.columns}, types)
        for name, function in functions.items():
            start = f"derived feature {name!r} is not row-wise"
            try:
                value = _plain(derive(alone, {name: function})[name].iloc[0])
            except TeamCodeFailed as error:
                return f"{start}: it fails on a single row", f"{start}: row {place} alone fails: {error}"
            among = _plain(together[name].iloc[place])
            if not _same(value, among):
                return (
                    f"{start}: a row gives another value alone than among others",
                    f"{start}: row {place} gives {value!r} alone and {among!r} among others",
                )
    return None


def as_served(columns: Mapping[str, Sequence[Any]], types: Mapping[str, ColumnType]) -> pd.DataFrame:
    """Typed values of some records as a frame with the types that rows have when they are read from the table.

    columns: field → one value per record, None if missing. A timestamp is an aware datetime or a pandas Timestamp.
    """
    import pandas as pd

    return pd.DataFrame({name: _column(values, types[name]) for name, values in columns.items()})


def _column(values: Sequence[Any], kind: ColumnType) -> pd.Series:
    import numpy as np
    import pandas as pd

    if kind == "number":
        return pd.Series(np.array(values, dtype=np.float64))
    if kind == "text":
        return pd.Series(values, dtype="str")
    if kind == "timestamp":
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=True).astype("datetime64[us, UTC]"))
    if kind == "integer":
        if all(value is not None for value in values):
            return pd.Series(np.array([int(value) for value in values], dtype=np.int64))
        if any(value is not None and abs(value) > 2**53 for value in values):
            return pd.Series(values, dtype="Int64")
        return pd.Series(np.array(values, dtype=np.float64))
    missing = any(value is None for value in values)
    return pd.Series(list(values), dtype="object" if missing else "bool")


def _columns_read(functions: Mapping[str, Function], rows: pd.DataFrame) -> tuple[str, ...]:
    """The columns without which a function fails, or gives other values."""
    try:
        whole = derive(rows, functions)
    except TeamCodeFailed:
        return tuple(rows.columns)
    return tuple(name for name in rows.columns if not _same_without(functions, rows.drop(columns=[name]), whole))


def _same_without(functions: Mapping[str, Function], rows: pd.DataFrame, whole: pd.DataFrame) -> bool:
    try:
        made = derive(rows, functions)
    except TeamCodeFailed:
        return False
    return made.equals(whole)


def _spread(n: int) -> list[int]:
    count = min(SAMPLED, n)
    return sorted({round(i * (n - 1) / max(count - 1, 1)) for i in range(count)})


def _plain(value: Any) -> Any:
    """A cell as a Python value, None if missing."""
    item: Callable[[], Any] | None = getattr(value, "item", None)
    made = item() if item is not None else value
    import pandas as pd

    return None if made is pd.NA or made is pd.NaT or (isinstance(made, float) and math.isnan(made)) else made


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other and type(one) is type(other))
    return float(one).hex() == float(other).hex()
