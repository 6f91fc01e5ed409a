"""A typed Parquet batch that is too large for memory: its columns are in a file that only this process sees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from perennial.fault_points import full_disk
from perennial.sources.parquet_file import opened_parquet, parquet_errors, unheld
from perennial.sources.parsing import Parsed
from perennial.sources.reading import Reading, matched
from perennial.sources.typed_column import arrow_type, pandas_values

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from perennial.sources.column_type import ColumnType

PART = 2**18
"""Rows that are read, and written, at a time."""
_TEXTS = ("unreadable", "inexact", "written")


@dataclass(frozen=True)
class Stored:
    """A batch of which one column, or a part of the rows, is in memory at a time; see `BatchRows`.

    places: (what, column) → its name in the file, where `what` is "value" or one of `_TEXTS`; only those that have any.
    empty: columns in which nothing is there → their dtype. dropped: rows that do not count, sorted.
    """

    file: pq.ParquetFile
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
        return self._numbers(0, self.rows)

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
        return int(self.file.read([place])[place].null_count)

    def columns(self, names: Sequence[str]) -> pd.DataFrame:
        """Some columns."""
        import pyarrow as pa

        pa.default_memory_pool().release_unused()  # what the columns before left behind
        table = self.file.read([self.places["value", name] for name in names if name not in self.empty])
        return self._frame(table, names, 0)

    def taken(self, rows: Sequence[int]) -> Parsed:
        """Some rows, by their numbers, which they keep."""
        import numpy as np
        import pandas as pd
        import pyarrow as pa

        asked = np.unique(np.asarray(rows, dtype=np.int64))
        tables = [self.file.schema_arrow.empty_table()]
        for group in np.unique(asked // PART):
            within = asked[(asked >= group * PART) & (asked < (group + 1) * PART)] - group * PART
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

    def parts(self) -> Iterator[pd.DataFrame]:
        """All rows with all columns, part by part."""
        values = [self.places["value", name] for name in self.names if name not in self.empty]
        if not self.rows:
            yield self.columns(self.names)
        for group in range(self.file.num_row_groups):
            yield self._frame(self.file.read_row_group(group, values), self.names, group * PART)

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
        return self._series(self.file.read([place]), what, name, pd.RangeIndex(self.rows)).loc[self.index]

    def _series(self, table: pa.Table, what: str, name: str, index: pd.Index[Any]) -> pd.Series:
        import pandas as pd

        return pd.Series(table[self.places[what, name]].to_pandas().to_numpy(), index=index, dtype="str")

    def _frame(self, table: pa.Table, names: Sequence[str], first: int) -> pd.DataFrame:
        import pandas as pd

        rows = table.num_rows if table.num_columns else self.rows
        frame = self._values(table, names, pd.RangeIndex(first, first + rows))
        inside = self._numbers(first, first + rows)
        return frame if len(inside) == rows else frame.loc[inside]

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
        return self.batch.file.read([place])[place]

    def __iter__(self) -> Iterator[str]:
        return (name for what, name in self.batch.places if what == "written")

    def __len__(self) -> int:
        return sum(1 for _ in self)


@contextmanager
def stored(file: Path, reading: Reading, folder: Path) -> Iterator[Stored]:
    """The declared columns of a Parquet file, typed part by part into a file below `folder`.

    That file has no name, so that nothing is left of it, even of a killed process. Raises UnreadableBatch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as scratch:
        yield _written(file, reading, scratch)


def _written(file: Path, reading: Reading, scratch: IO[bytes]) -> Stored:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.OSFile(str(file)) as source:
        with parquet_errors():
            arrived = opened_parquet(source, reading.types)
        columns = list(arrived.schema_arrow.names)
        there = matched(columns, reading.types)
        kinds = {("value", name): arrow_type(reading.types[name]) for name in there}
        kinds |= {(what, name): pa.string() for what in _TEXTS for name in there}
        schema = pa.schema([(str(place), kind) for place, kind in enumerate(kinds.values())])
        texts = [field.name for field in schema if field.type == pa.string()]
        seen = {("value", name) for name in there}
        with full_disk("the columns of a batch"), pq.ParquetWriter(scratch, schema, use_dictionary=texts) as writer:
            for part in _even(_read(arrived, list(there.values()))):
                typed = _typed(part, there, reading)
                seen |= {key for key, texts in typed.items() if texts is not None and texts.null_count < len(texts)}
                arrays = [_as(typed[key], kind, part.num_rows) for key, kind in kinds.items()]
                writer.write_table(pa.table(arrays, schema=schema), row_group_size=PART)
        rows = arrived.metadata.num_rows
    scratch.seek(0)
    return Stored(
        file=unheld(scratch),
        rows=rows,
        types=reading.types,
        places={key: str(place) for place, key in enumerate(kinds) if key in seen},
        names=tuple(there),
        missing=tuple(name for name in reading.types if name not in there),
        extra=tuple(name for name in columns if name not in there.values()),
    )


def _read(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with parquet_errors():
        yield from file.iter_batches(PART, columns=columns)


def _even(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of `PART` rows, but for the last one."""
    import pyarrow as pa

    held: list[pa.Table] = []
    for batch in batches:
        held.append(pa.table(batch))
        while sum(each.num_rows for each in held) >= PART:
            whole = pa.concat_tables(held)
            yield whole.slice(0, PART)
            held = [whole.slice(PART)]
    if any(each.num_rows for each in held):
        yield pa.concat_tables(held)


def _typed(part: pa.Table, there: Mapping[str, str], reading: Reading) -> dict[tuple[str, str], Any]:
    """(what, column) → the typed values, or texts, of some rows."""
    typed: dict[tuple[str, str], Any] = {}
    for name, actual in there.items():
        read, as_written = reading.column(name, part[actual])
        typed["value", name] = read.values
        typed["unreadable", name], typed["inexact", name], typed["written", name] = read.bad, read.inexact, as_written
    return typed


def _as(values: Any, kind: pa.DataType, rows: int) -> Any:
    import pyarrow as pa

    return pa.nulls(rows, kind) if values is None else values.cast(kind)
