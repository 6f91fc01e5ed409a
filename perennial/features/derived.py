"""Derived features: custom functions that each return one column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from perennial.team_code.loading import Function, TeamCodeFailed, one_per_row
from perennial.usecase.built_in import built_in

_TAKEN = ("string", "boolean", "empty", "floating", "integer", "mixed-integer-float", "categorical")
"""Pandas' names for columns that a model can use: numbers, booleans and text."""


def derive(rows: pd.DataFrame, functions: Mapping[str, Function]) -> pd.DataFrame:
    """One column per function, aligned with `rows`, in the order of `functions`.

    Raises TeamCodeFailed with the function's name if it raises, or if its result is not one number, boolean or text
    per row.
    """
    import pandas as pd
    from pandas.api.types import infer_dtype

    columns = {}
    for name, function in functions.items():
        column = one_per_row(f"derived feature {name!r} on {len(rows)} rows", function, rows)
        if (kind := infer_dtype(column)) not in _TAKEN:
            raise TeamCodeFailed(
                f"derived feature {name!r} returned {kind} values, for example {column.dropna().iloc[0]!r}; "
                f"a feature must be numbers, booleans or text"
            )
        columns[name] = column.to_numpy()
    return pd.DataFrame(columns, index=rows.index)


def refuse_infinite(inputs: pd.DataFrame, derived: tuple[str, ...]) -> None:
    """Raises TeamCodeFailed if a derived feature is infinite in training rows, which no estimator can learn from.

    inputs: of a recipe. derived: as the declaration writes them; a built-in feature is finite.
    """
    import numpy as np
    from pandas.api.types import is_float_dtype

    for spec in derived:
        if built_in(spec) is not None:
            continue
        file, name = spec.split(":")
        values = inputs[name]
        broken = int(np.isinf(values.to_numpy()).sum()) if is_float_dtype(values.dtype) else 0
        if broken:
            raise TeamCodeFailed(
                f"derived feature {name!r} of {file} is infinite in {broken:,} of {len(inputs):,} rows (a division by "
                f"zero?); return NaN there, which counts as missing"
            )
