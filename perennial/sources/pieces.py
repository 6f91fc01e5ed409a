"""Parquet files whose rows follow one another, as if they were one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True)
class Pieces:
    """opens: the files, at least one, of the same columns. A process that this is sent to opens them itself.

    groups: of rows in these files, to which it is limited; all if None. Their rows keep the numbers that they have
    among all.
    """

    opens: Callable[[], tuple[pq.ParquetFile, ...]]
    groups: range | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"opens": self.opens, "groups": self.groups}

    @cached_property
    def _files(self) -> tuple[pq.ParquetFile, ...]:
        return self.opens()

    @cached_property
    def _all(self) -> list[tuple[pq.ParquetFile, int]]:
        return [(file, group) for file in self._files for group in range(file.num_row_groups)]

    @property
    def _groups(self) -> list[tuple[pq.ParquetFile, int]]:
        return self._all if self.groups is None else self._all[self.groups.start : self.groups.stop]

    @property
    def num_row_groups(self) -> int:
        """Of all files."""
        return len(self._groups)

    def sliced(self, rows: int) -> list[Pieces]:
        """The groups in runs of neighbours, each but the last with at least so many rows."""
        cuts = [0]
        for group, end in enumerate(self.starts[1:], start=1):
            if end - self.starts[cuts[-1]] >= rows:
                cuts.append(group)
        cuts += [self.num_row_groups] if cuts[-1] < self.num_row_groups else []
        files, opened = self._files, self.groups.start if self.groups is not None else 0
        return [Pieces(lambda: files, range(opened + low, opened + high)) for low, high in pairwise(cuts)]

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """The number of the first row of each group, and after them that of the row that would follow."""
        import numpy as np

        rows = [file.metadata.row_group(group).num_rows for file, group in self._all]
        starts = np.cumsum([0, *rows], dtype=np.int64)
        return starts if self.groups is None else starts[self.groups.start : self.groups.stop + 1]

    @property
    def schema_arrow(self) -> pa.Schema:
        """Of each file."""
        return self._files[0].schema_arrow

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Some columns of all rows."""
        import pyarrow as pa

        if self.groups is None:
            return pa.concat_tables([file.read(list(columns)) for file in self._files])
        return pa.concat_tables([self.read_row_group(group, columns) for group in range(self.num_row_groups)])

    def read_row_group(self, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Some columns of the rows of one group; all if None."""
        file, within = self._groups[group]
        return file.read_row_group(within, None if columns is None else list(columns))
