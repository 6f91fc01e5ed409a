"""Versioned tables in Delta Lake: accepted rows, rows set aside, labels, predictions, examples of flips.

Rows carry the id of their batch or decision. A row is used only after the ledger has that id; readers name the ids that
they want.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from perennial.errors import InputError, TransientError
from perennial.fault_points import write
from perennial.our_columns import BATCH, ROW
from perennial.store.bounded import Bounds, joining
from perennial.store.stream import Parts, Range, Span, Stream, arrow_schema, listed, literal, queried, quoted, stream_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc

log = logging.getLogger("perennial.store")

Name = Literal["accepted", "quarantine", "labels", "predictions", "flips"]

_SETTINGS = {
    # Opening a table reads its log from the newest checkpoint on.
    "delta.checkpointInterval": "10",
    # Statistics contain values, so only those of these columns are kept: erased rows then leave no trace in the log.
    "delta.dataSkippingStatsColumns": f"{BATCH},{ROW}",
    # What no reader opens any more is removed by `upkeep`, while nothing else writes.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    # Each batch leaves a transaction, by which two writers at once are seen. Every opening reads all that are kept.
    "delta.setTransactionRetentionDuration": "interval 30 days",
}


SMALL_FILES = 8
"""So many files below half of `WHOLE_FILE` are joined, because opening a small file costs more than reading it."""
WHOLE_FILE = 16 * 2**20
MUCH_LARGER = 8
"""A file this many times as large as all smaller ones together waits for more of them: it would be written again and
again, at a cost that grows with the table."""
_ROWS_TOGETHER = 2**20
_ROWS_TO_SKIP = 16_384
"""Rows per group of a joined file, at most: a reader skips the groups that lack its batches."""


@dataclass(frozen=True)
class Tables:
    """The tables of all use cases below `uri` (a local folder; object storage by the same code).

    bounds: of the joins and sorts over them; see `bounded`.
    in_turn: where machines share the tables, called with the use case between opening a table and changing it. It
    raises TurnLost if the turn is another's now. What another process commits in between stays: Delta Lake changes only
    files that were there when the table was opened, and refuses a second writer of a batch.
    """

    uri: str
    bounds: Bounds | None = None
    in_turn: Callable[[str], None] | None = None

    def where(self, usecase: str, name: Name) -> str:
        """The URI of one table."""
        return f"{self.uri}/{self.place(usecase, name)}"

    @staticmethod
    def place(usecase: str, name: Name) -> str:
        """A table's path relative to the root, for records that must stay valid if the root is moved."""
        return f"{usecase}/{name}"

    def append(self, usecase: str, name: Name, rows: pa.Table | Parts, batch: str) -> int:
        """Add a batch's rows, once however often it is called, and return the table's version.

        Other rows of the same batch were left by a killed run and seen by no reader: they are replaced.
        rows: must have the column `our_columns.BATCH`, equal to `batch` throughout. `Parts` are
        written in several commits, of `_ROWS_TOGETHER` rows each.
        Raises InputError if a column's type differs from the table's; TransientError if another writer was faster.
        """
        uri = self.where(usecase, name)
        table = self._to_change(usecase, name, rows.schema)
        turn = 1
        if table is not None:
            written = table.transaction_version(batch)
            _same_types(rows, table, uri)
            # A swept batch keeps its transaction but has no rows, and may be written again. One from long ago has rows,
            # and its transaction is no longer kept.
            if written is not None or _may_have(table, batch):
                left = _count(table, batch)
                if left == rows.num_rows and self._same_rows(table, rows, batch):
                    return table.version()
                if left:
                    table.delete(f"{BATCH} = '{batch}'")
            turn = (written or 0) + 1
        for number, some in enumerate(_written_together(rows)):
            if number:
                table, turn = self._after_commit(usecase, name, batch, turn), turn + 1
            try:
                write_deltalake(
                    table if table is not None else uri,
                    some,
                    mode="append",
                    schema_mode="merge",
                    configuration=_SETTINGS if table is None else None,
                    commit_properties=CommitProperties(app_transactions=[_transaction(batch, turn)]),
                )
            except CommitFailedError as error:
                raise TransientError(f"{uri}: another writer was faster: {error}") from error
        if table is None:
            table = DeltaTable(uri)
        _join_small_files(table)
        return table.version()

    def read(
        self,
        usecase: str,
        name: Name,
        batches: list[str],
        columns: list[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table | None:
        """Rows of the named batches, in no particular order; None if the table does not exist yet.

        where: leaves out the other rows while reading, so that they take no memory.
        Always from the table's newest version: an older one disappears with a vacuum, and would contain erased rows. A
        batch's rows are the same in all versions.
        """
        stream = self.stream(usecase, name, batches, columns, where)
        return None if stream is None else stream.table()

    def stream(
        self,
        usecase: str,
        name: Name,
        batches: list[str],
        columns: list[str] | None = None,
        where: pc.Expression | None = None,
        span: Span | None = None,
        ranges: Sequence[Range] = (),
    ) -> Stream | None:
        """As `read`, part by part: as many rows are in memory as their reader holds."""
        table = self.open(usecase, name)
        return None if table is None else stream_of(table, batches, columns, where, span, ranges)

    def joining(self, **streams: Stream | pa.Table) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """As `bounded.joining`, within the bounds of these tables. Raises the error of a stream, see `read`."""
        return joining(self.bounds, **streams)

    def count(self, usecase: str, name: Name, batch: str) -> int:
        """How many rows of one batch are in the table, committed or not."""
        table = self.open(usecase, name)
        return _count(table, batch) if table is not None else 0

    def batches(self, usecase: str, name: Name) -> dict[str, int]:
        """How many rows of each batch are in the table, committed or not."""
        table = self.open(usecase, name)
        if table is None:
            return {}
        query = f"SELECT {BATCH}, count(*) AS rows FROM here GROUP BY {BATCH}"
        return {row[BATCH]: row["rows"] for part in queried(table, query) for row in part.to_pylist()}

    def sweep(self, usecase: str, name: Name, batch: str) -> None:
        """Delete the rows of a batch that was never committed."""
        table = self._to_change(usecase, name)
        if table is not None:
            table.delete(f"{BATCH} = '{batch}'")

    def replace(self, usecase: str, name: Name, batch: str, rows: pa.Table | None) -> None:
        """Replace a batch's rows by those that are left after an erasure, in one commit. rows: None if none are."""
        table = self._to_change(usecase, name)
        assert table is not None, "there is no batch without a table"
        with write("erased_table"):
            if rows is not None and rows.num_rows:
                write_deltalake(table, rows, mode="overwrite", predicate=f"{BATCH} = '{batch}'")
            else:
                table.delete(f"{BATCH} = '{batch}'")

    def forget(self, usecase: str, name: Name) -> None:
        """Remove the files that only older versions have, so that no version has the rows that were erased.

        The log of a table from before its statistics were limited has values too: it is cut to the newest version.
        """
        table = self._to_change(usecase, name)
        if table is None:
            return
        with write("erased_versions"):
            if not has_present_settings(table):
                cut_log(table)
            table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)

    def version(self, usecase: str, name: Name) -> int | None:
        """The table's newest version, or None if it does not exist yet."""
        table = self.open(usecase, name)
        return table.version() if table is not None else None

    def _same_rows(self, table: DeltaTable, rows: pa.Table | Parts, batch: str) -> bool:
        """Whether a batch has exactly these rows in any order, as many; columns of only one side must be all null."""
        stored = arrow_schema(table).names
        arriving = rows.schema.names
        if not set(arriving) <= set(stored):
            return False
        beside = [name for name in stored if name not in arriving]
        if beside:
            counts = ", ".join(f"count({quoted(name)})" for name in beside)
            query = f"SELECT {counts} FROM here WHERE {BATCH} = {literal(batch)}"
            if any(value for part in queried(table, query) for row in part.to_pylist() for value in row.values()):
                return False
        names, new = listed(arriving), rows.stream() if isinstance(rows, Parts) else rows
        with self.joining(stored=stream_of(table, [batch], arriving), new=new) as connection:
            other = connection.sql(f"SELECT {names} FROM stored EXCEPT ALL SELECT {names} FROM new LIMIT 1")
            return not other.fetchall()

    def _to_change(self, usecase: str, name: Name, schema: pa.Schema | None = None) -> DeltaTable | None:
        """As `open`, for a process that still has its turn. Raises TurnLost.

        schema: of a table that is made without rows if there is none, because two machines that make one at once, each
        with the rows of a batch, would both succeed.
        """
        table = self.open(usecase, name)
        if self.in_turn is not None:
            if table is None and schema is not None:
                table = DeltaTable.create(self.where(usecase, name), schema, mode="ignore", configuration=_SETTINGS)
            self.in_turn(usecase)
        return table

    def _after_commit(self, usecase: str, name: Name, batch: str, turn: int) -> DeltaTable:
        """The table, in which that turn of a batch is the last one. Raises TurnLost; TransientError if it is not."""
        table = self._to_change(usecase, name)
        if table is None or table.transaction_version(batch) != turn:
            raise TransientError(f"{self.where(usecase, name)}: another writer was faster: batch {batch}")
        return table

    def open(self, usecase: str, name: Name) -> DeltaTable | None:
        """The newest version of a table; None if it does not exist yet."""
        try:
            return DeltaTable(self.where(usecase, name))
        except TableNotFoundError:
            return None


def has_present_settings(table: DeltaTable) -> bool:
    """Whether a table was made with today's settings, so that its log has no value of a row."""
    return _SETTINGS.items() <= table.metadata().configuration.items()


def cut_log(table: DeltaTable) -> None:
    """Keep of the log what the newest version needs. The limits are set last, so that a killed call is repeated."""
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    table.create_checkpoint()
    table.cleanup_metadata()
    table.alter.set_table_properties(_SETTINGS)


def _join_small_files(table: DeltaTable) -> None:
    """Join files of small batches, in one commit that changes no row. Reading then does not grow with their number."""
    if len(table.file_uris()) < SMALL_FILES:
        return
    sizes = table.get_add_actions(flatten=True).column("size_bytes").to_pylist()
    small = sorted(size for size in sizes if size < WHOLE_FILE / 2)
    if len(small) < SMALL_FILES:
        return
    below = WHOLE_FILE
    while small[-1] > MUCH_LARGER * sum(small[:-1]):
        below = small.pop()
    properties = WriterProperties(max_row_group_size=_ROWS_TO_SKIP)
    try:
        table.optimize.compact(target_size=below, max_concurrent_tasks=1, writer_properties=properties)
    except CommitFailedError as error:
        # The rows are written. The next batch tries again.
        log.info("%s: small files were not joined, since another process wrote: %s", table.table_uri, error)


def _written_together(rows: pa.Table | Parts) -> Iterator[pa.Table]:
    """The rows in tables of which each is written in one commit, at least one. A commit takes its rows' memory."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        yield rows
        return
    held = [rows.schema.empty_table()]
    for part in rows.parts():
        before = sum(each.num_rows for each in held)
        if before and before + part.num_rows > _ROWS_TOGETHER:
            yield pa.concat_tables(held)
            held = []
        held.append(part)
    yield pa.concat_tables(held)


def _transaction(batch: str, turn: int) -> Transaction:
    return Transaction(batch, turn, int(time.time() * 1000))


def _may_have(table: DeltaTable, batch: str) -> bool:
    """Whether a file can have rows of a batch, by the least and the greatest name that the log has of each file."""
    kept = table.get_add_actions(flatten=True)
    if not {f"min.{BATCH}", f"max.{BATCH}"} <= set(kept.schema.names):
        return kept.num_rows > 0
    spans = zip(kept.column(f"min.{BATCH}").to_pylist(), kept.column(f"max.{BATCH}").to_pylist(), strict=True)
    return any(low is None or high is None or low <= batch <= high for low, high in spans)


def _count(table: DeltaTable, batch: str) -> int:
    query = f"SELECT count(*) AS rows FROM here WHERE {BATCH} = {literal(batch)}"
    return sum(row["rows"] for part in queried(table, query) for row in part.to_pylist())


def _same_types(rows: pa.Table | Parts, table: DeltaTable, uri: str) -> None:
    """Refuse differing types before anything is written, because a merge would silently convert them."""
    stored = {field.name: field.type for field in arrow_schema(table)}
    for field in rows.schema:
        if field.name in stored and stored[field.name] != field.type:
            raise InputError(
                f"{uri}: column {field.name!r} is {stored[field.name]} in the table and {field.type} in this batch. "
                f"The type of a column cannot change: use another name, or declare a new use case."
            )
