"""What the steps of an ingest need of a batch, whether its rows are in memory or in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.parsing import Parsed


class BatchRows(Protocol):
    """A batch as typed columns, in the order in which its rows arrived.

    `Parsed` has them in memory and documents what they hold. `Stored` has them in a file, from which one column, or
    some rows, are read at a time; so are its texts, when they are looked up.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def index(self) -> pd.Index[Any]: ...
    @property
    def unreadable(self) -> Mapping[str, pd.Series]: ...
    @property
    def inexact(self) -> Mapping[str, pd.Series]: ...
    @property
    def written(self) -> Mapping[str, pa.ChunkedArray]: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def extra(self) -> tuple[str, ...]: ...
    @property
    def absent(self) -> tuple[str, ...]: ...
    @property
    def is_stored(self) -> bool:
        """Whether the columns may be too large to be in memory together."""
        ...

    def __len__(self) -> int: ...

    def column(self, name: str) -> pd.Series:
        """One column, on `index`."""
        ...

    def nulls(self, name: str) -> int:
        """In how many rows a column has nothing, or nothing readable."""
        ...

    def columns(self, names: Sequence[str]) -> pd.DataFrame:
        """Some columns, on `index`."""
        ...

    def taken(self, rows: Sequence[int]) -> Parsed:
        """Some rows, by their numbers, which they keep."""
        ...

    def parts(self, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All rows, part by part, in order, at least one. names: of the columns; all if None."""
        ...

    def without(self, rows: Sequence[int]) -> Self:
        """The other rows, with their numbers."""
        ...

    def with_empty(
        self, dtypes: Mapping[str, str], names: Sequence[str], absent: tuple[str, ...] | None = None
    ) -> Self:
        """With columns in which nothing is there, which are no longer missing.

        dtypes: of each, in pandas. names: all columns in their new order. absent: as in `Parsed`, if it changes.
        """
        ...


def column_parts(batch: BatchRows, name: str) -> Iterator[pd.Series]:
    """A column of a batch, part by part."""
    return (part[name] for part in batch.parts([name]))
