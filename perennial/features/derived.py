"""Derived features: functions of the team's own, one column each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from perennial.team_code.loading import Function, TeamCodeFailed


def derive(rows: pd.DataFrame, functions: Mapping[str, Function]) -> pd.DataFrame:
    """One column a function, aligned with `rows`, in the order of `functions`.

    Raises TeamCodeFailed naming the function where it raises or its result has another length.
    """
    import pandas as pd

    columns = {}
    for name, function in functions.items():
        try:
            column = function(rows.copy(deep=False))  # what a function changes, no other one sees
        except Exception as error:
            raise TeamCodeFailed(f"derived feature {name!r} failed on {len(rows)} rows: {error!r}") from error
        if not isinstance(column, pd.Series) or len(column) != len(rows):
            raise TeamCodeFailed(
                f"derived feature {name!r} must return a pandas Series with one value a row ({len(rows)}), "
                f"not {type(column).__name__}"
            )
        if not column.index.equals(rows.index) and column.index.is_unique and column.index.isin(rows.index).all():
            column = column.reindex(rows.index)  # the same rows in another order
        columns[name] = column.to_numpy()
    return pd.DataFrame(columns, index=rows.index)
