"""The types that pandas gives the columns of rows which are read part by part: those that it would give all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perennial.sources.numbers import EXACT

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class WholeTypes:
    """Integers and booleans have another type if a value is missing in any part: see `frame_of`.

    Every part must be seen before the first one is typed.
    """

    _with_nulls: set[str] = field(default_factory=set)
    _large: set[str] = field(default_factory=set)

    def see(self, part: pa.Table) -> None:
        """Take a part into account."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for name, column in zip(part.column_names, part.columns, strict=True):
            if column.null_count:
                self._with_nulls.add(name)
            if pa.types.is_int64(column.type):
                ends = pc.min_max(column).as_py()
                if any(abs(each or 0) > EXACT for each in ends.values()):
                    self._large.add(name)

    def typed(self, part: pd.DataFrame) -> pd.DataFrame:
        """A part as `frame_of` made it, with the types of all rows."""
        import pandas as pd

        types = {}
        for name in self._with_nulls.intersection(part.columns):
            if pd.api.types.is_bool_dtype(part[name].dtype):
                types[name] = "object"
            elif name in self._large:
                types[name] = "Int64"
            elif pd.api.types.is_integer_dtype(part[name].dtype):
                types[name] = "float64"
        return part.astype(types)
