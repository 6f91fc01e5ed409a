"""Derived features: functions of the team's own, one column each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from perennial.team_code.loading import Function, TeamCodeFailed, call
from perennial.usecase.built_in import built_in

_TAKEN = ("string", "boolean", "empty", "floating", "integer", "mixed-integer-float", "categorical")
"""What pandas calls columns that a model can take: numbers, truth values and text."""


def derive(rows: pd.DataFrame, functions: Mapping[str, Function]) -> pd.DataFrame:
    """One column a function, aligned with `rows`, in the order of `functions`.

    Raises TeamCodeFailed naming the function where it raises, or its result is not one number, truth value or text
    for each row.
    """
    import pandas as pd
    from pandas.api.types import infer_dtype

    columns = {}
    for name, function in functions.items():
        # What a function changes in its copy, no other one sees.
        column = call(f"derived feature {name!r} on {len(rows)} rows", function, rows.copy(deep=False))
        if not isinstance(column, pd.Series) or len(column) != len(rows):
            raise TeamCodeFailed(
                f"derived feature {name!r} must return a pandas Series with one value a row ({len(rows)}), "
                f"not {type(column).__name__}"
            )
        if not column.index.equals(rows.index) and column.index.is_unique and column.index.isin(rows.index).all():
            column = column.reindex(rows.index)  # the same rows in another order
        if (kind := infer_dtype(column)) not in _TAKEN:
            raise TeamCodeFailed(
                f"derived feature {name!r} gives {kind} values, for example {column.dropna().iloc[0]!r}; a feature is "
                f"numbers, truth values or text"
            )
        columns[name] = column.to_numpy()
    return pd.DataFrame(columns, index=rows.index)


def refuse_infinite(inputs: pd.DataFrame, derived: tuple[str, ...]) -> None:
    """Raises TeamCodeFailed where a derived feature is infinite in rows to learn from: no estimator learns from that.

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
                f"zero?); let it give NaN there, which is a missing value"
            )
