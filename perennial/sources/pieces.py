"""Parquet files whose rows follow one another, as if they were one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True)
class Pieces:
    """opens: the files, at least one, of the same columns. A process that this is sent to opens them itself."""

    opens: Callable[[], tuple[pq.ParquetFile, ...]]

    def __getstate__(self) -> dict[str, object]:
        return {"opens": self.opens}

    @cached_property
    def _files(self) -> tuple[pq.ParquetFile, ...]:
        return self.opens()

    @cached_property
    def _groups(self) -> list[tuple[pq.ParquetFile, int]]:
        return [(file, group) for file in self._files for group in range(file.num_row_groups)]

    @property
    def num_row_groups(self) -> int:
        """Of all files."""
        return len(self._groups)

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """The number of the first row of each group, and after them how many rows there are."""
        import numpy as np

        rows = [file.metadata.row_group(group).num_rows for file, group in self._groups]
        return np.cumsum([0, *rows], dtype=np.int64)

    @property
    def schema_arrow(self) -> pa.Schema:
        """Of each file."""
        return self._files[0].schema_arrow

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Some columns of all rows."""
        import pyarrow as pa

        return pa.concat_tables([file.read(list(columns)) for file in self._files])

    def read_row_group(self, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Some columns of the rows of one group; all if None."""
        file, within = self._groups[group]
        return file.read_row_group(within, None if columns is None else list(columns))
