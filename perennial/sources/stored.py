"""A batch that is too large for memory: its columns are in files, most often one without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from perennial.sources.csv_in_parts import CsvFile
from perennial.sources.parquet_file import unheld
from perennial.sources.parsing import Parsed
from perennial.sources.pieces import Pieces
from perennial.sources.reading import Reading, matched
from perennial.sources.typed_column import pandas_values
from perennial.sources.typed_rows import Typed, places_of, type_rows, type_texts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.column_type import ColumnType


@dataclass(frozen=True)
class Stored:
    """A batch of which one column, or a part of the rows, is in memory at a time; see `BatchRows`.

    places: (what, column) → its name in the files, as `places_of`; only those that have any.
    empty: columns in which nothing is there → their dtype. dropped: rows that do not count, sorted.
    """

    file: Pieces
    rows: int
    types: Mapping[str, ColumnType]
    places: Mapping[tuple[str, str], str]
    names: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    absent: tuple[str, ...] = ()
    empty: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[int, ...] = ()
    is_stored: ClassVar[bool] = True

    @property
    def index(self) -> pd.Index[Any]:
        """The rows' numbers, by their order of arrival."""
        return self._numbers(self.first, self.first + self.rows)

    @property
    def first(self) -> int:
        """The number of the first row."""
        return int(self.file.starts[0])

    @property
    def unreadable(self) -> Mapping[str, pd.Series]:
        """As in `Parsed`; a column's texts are read when they are looked up."""
        return _Texts(self, "unreadable")

    @property
    def inexact(self) -> Mapping[str, pd.Series]:
        """As in `Parsed`; a column's texts are read when they are looked up."""
        return _Texts(self, "inexact")

    @property
    def written(self) -> Mapping[str, pa.ChunkedArray]:
        """As in `Parsed`; a column's texts are read when they are looked up."""
        return _Written(self)

    def __len__(self) -> int:
        return self.rows - len(self.dropped)

    def column(self, name: str) -> pd.Series:
        """One column."""
        return self.columns([name])[name]

    def nulls(self, name: str) -> int:
        """In how many rows a column has nothing, or nothing readable."""
        if self.dropped or name in self.empty:
            return int(self.column(name).isna().sum())
        place = self.places["value", name]
        groups = range(self.file.num_row_groups)
        return sum(int(self.file.read_row_group(group, [place])[place].null_count) for group in groups)

    def columns(self, names: Sequence[str]) -> pd.DataFrame:
        """Some columns."""
        import pyarrow as pa

        pa.default_memory_pool().release_unused()  # what the columns before left behind
        return self._frame(self.file.read(self._places(names)), names, self.first, self.first + self.rows)

    def text_parts(self, what: str, name: str) -> Iterator[pd.Series]:
        """A column's texts part by part. what: those that are `unreadable` or `inexact`."""
        import pandas as pd

        for group, (first, end) in enumerate(pairwise(self.file.starts.tolist())):
            table = self.file.read_row_group(group, [self.places[what, name]])
            yield self._series(table, what, name, pd.RangeIndex(first, end)).loc[self._numbers(first, end)]

    def taken(self, rows: Sequence[int]) -> Parsed:
        """Some rows, by their numbers, which they keep."""
        import numpy as np
        import pandas as pd
        import pyarrow as pa

        asked = np.unique(np.asarray(rows, dtype=np.int64))
        tables = [self.file.schema_arrow.empty_table()]
        starts = self.file.starts
        for group in np.unique(np.searchsorted(starts, asked, side="right") - 1):
            within = asked[slice(*np.searchsorted(asked, starts[group : group + 2]))] - starts[group]
            tables.append(self.file.read_row_group(int(group)).take(within))
        table = pa.concat_tables(tables)
        frame = self._values(table, self.names, pd.Index(asked))
        besides = {
            what: {name: self._series(table, what, name, frame.index) for of, name in self.places if of == what}
            for what in ("unreadable", "inexact")
        }
        written = {name: table[place] for (what, name), place in self.places.items() if what == "written"}
        some = Parsed(frame, besides["unreadable"], self.missing, self.extra, besides["inexact"], written, self.absent)
        return some if asked.tolist() == list(rows) else some.taken(rows)

    def parts(self, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All rows, part by part. names: of the columns; all if None."""
        names = self.names if names is None else names
        places = self._places(names)
        if not self.file.num_row_groups:
            yield self.columns(names)
        for group, (first, end) in enumerate(pairwise(self.file.starts.tolist())):
            yield self._frame(self.file.read_row_group(group, places), names, first, end)

    def sliced(self, rows: int) -> list[Stored]:
        """The batch as several, each but the last of at least so many rows, which keep their numbers."""
        slices = []
        for file in self.file.sliced(rows):
            first, end = int(file.starts[0]), int(file.starts[-1])
            dropped = tuple(row for row in self.dropped if first <= row < end)
            slices.append(replace(self, file=file, rows=end - first, dropped=dropped))
        return slices or [self]

    def without(self, rows: Sequence[int]) -> Stored:
        """The other rows, with their numbers."""
        return replace(self, dropped=tuple(sorted({*self.dropped, *rows})))

    def with_empty(
        self, dtypes: Mapping[str, str], names: Sequence[str], absent: tuple[str, ...] | None = None
    ) -> Stored:
        """With columns in which nothing is there; see `BatchRows`."""
        return replace(
            self,
            names=tuple(names),
            missing=tuple(name for name in self.missing if name not in dtypes),
            absent=self.absent if absent is None else absent,
            empty={**self.empty, **dtypes},
        )

    def texts(self, what: str, name: str) -> pd.Series:
        """The texts of a column, on `index`."""
        import pandas as pd

        place = self.places[what, name]
        numbers = pd.RangeIndex(self.first, self.first + self.rows)
        return self._series(self.file.read([place]), what, name, numbers).loc[self.index]

    def _series(self, table: pa.Table, what: str, name: str, index: pd.Index[Any]) -> pd.Series:
        import pandas as pd

        return pd.Series(table[self.places[what, name]].to_pandas().to_numpy(), index=index, dtype="str")

    def _places(self, names: Sequence[str]) -> list[str]:
        return [self.places["value", name] for name in names if name not in self.empty]

    def _frame(self, table: pa.Table, names: Sequence[str], first: int, end: int) -> pd.DataFrame:
        import pandas as pd

        frame, inside = self._values(table, names, pd.RangeIndex(first, end)), self._numbers(first, end)
        return frame if len(inside) == len(frame) else frame.loc[inside]

    def _values(self, table: pa.Table, names: Sequence[str], index: pd.Index[Any]) -> pd.DataFrame:
        import pandas as pd

        columns = {}
        for name in names:
            if name in self.empty:
                columns[name] = pd.Series(None, index=index, dtype=self.empty[name])
            else:
                values = pandas_values(table[self.places["value", name]], self.types[name])
                columns[name] = pd.Series(values.array if isinstance(values, pd.Series) else values, index=index)
        return pd.DataFrame(columns, index=index)

    def _numbers(self, first: int, end: int) -> pd.Index[Any]:
        import numpy as np
        import pandas as pd

        dropped: npt.NDArray[np.int64] = np.array(self.dropped, dtype=np.int64)
        low, high = np.searchsorted(dropped, [first, end])
        numbers = pd.RangeIndex(first, end)
        return numbers if low == high else numbers.delete(dropped[low:high] - first)


@dataclass(frozen=True)
class _Texts(Mapping[str, "pd.Series"]):
    batch: Stored
    what: str

    def __getitem__(self, name: str) -> pd.Series:
        if (self.what, name) not in self.batch.places:
            raise KeyError(name)
        return self.batch.texts(self.what, name)

    def __iter__(self) -> Iterator[str]:
        return (name for what, name in self.batch.places if what == self.what)

    def __contains__(self, name: object) -> bool:
        return (self.what, name) in self.batch.places

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True)
class _Written(Mapping[str, "pa.ChunkedArray"]):
    batch: Stored

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        place = self.batch.places["written", name]
        texts = self.batch.file.read([place])[place]
        return texts.take(self.batch.index.to_numpy() - self.batch.first) if self.batch.dropped else texts

    def __iter__(self) -> Iterator[str]:
        return (name for what, name in self.batch.places if what == "written")

    def __len__(self) -> int:
        return sum(1 for _ in self)


@contextmanager
def stored(file: Path | CsvFile, reading: Reading, folder: Path) -> Iterator[Stored]:
    """The declared columns of a file of Parquet or CSV, typed part by part into a file below `folder`.

    That file has no name, so that nothing is left of it, even of a killed process. Raises UnreadableBatch.
    """
    import pyarrow as pa

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as scratch:
        if isinstance(file, CsvFile):
            typed = type_texts(file, reading, scratch)
        else:
            with pa.OSFile(str(file)) as source:
                typed = type_rows(source, reading, scratch)
        scratch.seek(0)
        yield stored_in(Pieces(lambda: (unheld(scratch),)), [typed], reading)


def stored_in(pieces: Pieces, typed: Sequence[Typed], reading: Reading) -> Stored:
    """The batch whose rows were typed into these files, one after another."""
    names, seen = typed[0].columns, frozenset[tuple[str, str]]().union(*(each.seen for each in typed))
    there = matched(names, reading.types)
    return Stored(
        file=pieces,
        rows=sum(each.rows for each in typed),
        types=reading.types,
        places={key: place for key, (place, _) in places_of(there, reading).items() if key in seen},
        names=tuple(there),
        missing=tuple(name for name in reading.types if name not in there),
        extra=tuple(name for name in names if name not in there.values()),
    )
