"""Rows of a Delta table, read part by part by DataFusion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from deltalake import DeltaTable, QueryBuilder

from perennial.clock import write_instant
from perennial.errors import TableUnreadable, TransientError
from perennial.our_columns import BATCH

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

_LISTED = 400
"""DataFusion skips files by a list of batches. A longer one is of most of the table: comparing it here is quicker."""


@dataclass(frozen=True)
class Stream:
    """Rows of a table, read once, part by part."""

    schema: pa.Schema
    parts: Iterator[pa.Table]

    def table(self) -> pa.Table:
        """All of them."""
        import pyarrow as pa

        return pa.concat_tables([self.schema.empty_table(), *self.parts])

    def reader(self, failed: list[Exception]) -> pa.RecordBatchReader:
        """For another library, which may hide the type of an error: the error is put into `failed` too."""
        import pyarrow as pa

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                for part in self.parts:
                    yield from part.to_batches()
            except Exception as error:
                failed.append(error)
                raise

        return pa.RecordBatchReader.from_batches(self.schema, batches())


@dataclass(frozen=True)
class Span:
    """Rows whose time is in a span. column: of the time. since: inclusive, until: exclusive, None for no bound."""

    column: str
    since: datetime | None
    until: datetime | None

    @property
    def conditions(self) -> list[str]:
        """In SQL."""
        bounds = ((">=", self.since), ("<", self.until))
        return [f"{quoted(self.column)} {sign} {_moment(bound)}" for sign, bound in bounds if bound is not None]


@dataclass(frozen=True)
class Range:
    """Rows with a value of a column from `low` to `high`; null is none.

    For a column of texts or of whole numbers, as `low` and `high` are; other columns are read as a whole.
    """

    column: str
    low: str | int
    high: str | int

    def fits(self, schema: pa.Schema) -> bool:
        """Whether the column has that type."""
        import pyarrow.types as types

        kind = schema.field(self.column).type
        if isinstance(self.low, str):
            return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
        return bool(types.is_integer(kind))

    @property
    def condition(self) -> str:
        """In SQL."""
        low, high = (literal(each) if isinstance(each, str) else str(each) for each in (self.low, self.high))
        return f"{quoted(self.column)} BETWEEN {low} AND {high}"


@dataclass(frozen=True)
class Parts:
    """Rows that can be made part by part, as often as they are needed. num_rows: how many there are in all."""

    schema: pa.Schema
    num_rows: int
    parts: Callable[[], Iterator[pa.Table]]

    def stream(self) -> Stream:
        """The rows, from the first on."""
        return Stream(self.schema, self.parts())


def stream_of(
    table: DeltaTable,
    batches: list[str],
    columns: list[str] | None,
    where: pc.Expression | None = None,
    span: Span | None = None,
    ranges: Sequence[Range] = (),
) -> Stream:
    """Read with DataFusion, which opens only the files of these batches, so the cost does not grow with the table.

    columns: those that the table does not have are left out. where: about columns that are read. span, ranges: leave
    out rows outside, and do not read parts of files without others.
    """
    import pyarrow as pa

    schema = arrow_schema(table)
    read = schema if columns is None else pa.schema([field for field in schema if field.name in columns])
    if not batches:
        return Stream(read, iter(()))
    many = len(batches) > _LISTED
    needed = pa.schema([field for field in schema if field.name in read.names or (many and field.name == BATCH)])
    names = ", ".join(quoted(name) for name in needed.names)
    conditions = [] if many else [f"{BATCH} IN ({', '.join(map(literal, batches))})"]
    conditions += [*(span.conditions if span else []), *(each.condition for each in ranges if each.fits(schema))]
    query = f"SELECT {names} FROM here" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
    wanted = pa.array(batches, pa.string()) if many else None
    parts = (_kept(part.cast(needed), wanted, where).select(read.names) for part in queried(table, query))
    return Stream(read, parts)


def queried(table: DeltaTable, query: str) -> Iterator[pa.Table]:
    """The result of a query over the table, which it calls `here`, part by part.

    Raises TableUnreadable for a file that is damaged or missing, TransientError for storage that does not answer.
    """
    import pyarrow as pa

    try:
        for part in QueryBuilder().register("here", table).execute(query):
            yield pa.table(part)
    except Exception as error:  # DataFusion's errors have no specific type
        message = str(error)
        if "Object Store error: Generic" in message:
            raise TransientError(f"{table.table_uri} cannot be reached: {message}") from error
        raise TableUnreadable(
            f"{table.table_uri}{_first_unreadable(table)} cannot be read: {message}\n  restore it from a backup"
        ) from error


def _kept(rows: pa.Table, batches: pa.Array | None, where: pc.Expression | None) -> pa.Table:
    """Rows of these batches, all if None, for which `where` holds."""
    import pyarrow.compute as pc

    rows = rows if batches is None else rows.filter(pc.is_in(rows[BATCH], value_set=batches))
    return rows if where is None else rows.filter(where)


def quoted(name: str) -> str:
    """A name in SQL, of a column or a table."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Iterable[str]) -> str:
    """Names of columns in SQL, with commas between them."""
    return ", ".join(map(quoted, names))


def _first_unreadable(table: DeltaTable) -> str:
    """The table's first unreadable file, which DataFusion does not always name."""
    for fragment in table.to_pyarrow_dataset().get_fragments():
        try:
            fragment.to_table()
        except (OSError, ValueError):
            return str(fragment.path)
    return ""


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _moment(at: datetime) -> str:
    """A moment in SQL, of the type that times have in tables."""
    return f"arrow_cast({literal(write_instant(at))}, 'Timestamp(Microsecond, Some(\"UTC\"))')"


def arrow_schema(table: DeltaTable) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(table.schema().to_arrow())
