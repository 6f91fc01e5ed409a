"""Versioned tables in Delta Lake: accepted rows, rows set aside, labels, predictions, examples of flips.

Rows carry the id of their batch or decision. A row is used only after the ledger has that id; readers name the ids that
they want.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from perennial.errors import InputError, TableUnreadable, TransientError
from perennial.fault_points import write
from perennial.our_columns import BATCH, ROW

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

log = logging.getLogger("perennial.store")

Name = Literal["accepted", "quarantine", "labels", "predictions", "flips"]

_SETTINGS = {
    # Opening a table reads its log from the newest checkpoint on.
    "delta.checkpointInterval": "10",
    # Statistics contain values, so only those of these columns are kept: erased rows then leave no trace in the log.
    "delta.dataSkippingStatsColumns": f"{BATCH},{ROW}",
    # The log records which batch was written when, so it is never truncated.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


SMALL_FILES = 8
"""So many files below half of `WHOLE_FILE` are joined, because opening a small file costs more than reading it."""
WHOLE_FILE = 16 * 2**20
_ROWS_TO_SKIP = 65_536
"""Rows per group of a joined file, at most: a reader skips the groups that lack its batches."""
_LISTED = 20
"""DataFusion skips files by a list of at most so many values. A longer list is compared here, which takes less time."""


@dataclass(frozen=True)
class Tables:
    """The tables of all use cases below `uri` (a local folder; object storage by the same code)."""

    uri: str

    def where(self, usecase: str, name: Name) -> str:
        """The URI of one table."""
        return f"{self.uri}/{self.place(usecase, name)}"

    @staticmethod
    def place(usecase: str, name: Name) -> str:
        """A table's path relative to the root, for records that must stay valid if the root is moved."""
        return f"{usecase}/{name}"

    def append(self, usecase: str, name: Name, rows: pa.Table, batch: str) -> int:
        """Add a batch's rows, once however often it is called, and return the table's version.

        Other rows of the same batch were left by a killed run and seen by no reader: they are replaced.
        rows: must have the column `our_columns.BATCH`, equal to `batch` throughout.
        Raises InputError if a column's type differs from the table's; TransientError if another writer was faster.
        """
        uri = self.where(usecase, name)
        table = self._open(usecase, name)
        turn = 1
        if table is not None:
            written = table.transaction_version(batch)
            _same_types(rows, table, uri)
            # A swept batch keeps its transaction but has no rows, and may be written again.
            if written is not None:
                left = _rows(table, [batch], None)
                if _same_rows(left, rows):
                    return table.version()
                if left.num_rows:
                    table.delete(f"{BATCH} = '{batch}'")
            turn = (written or 0) + 1
        try:
            write_deltalake(
                table if table is not None else uri,
                rows,
                mode="append",
                schema_mode="merge",
                configuration=_SETTINGS if table is None else None,
                commit_properties=CommitProperties(app_transactions=[Transaction(batch, turn)]),
            )
        except CommitFailedError as error:
            raise TransientError(f"{uri}: another writer was faster: {error}") from error
        written_to = DeltaTable(uri)
        _join_small_files(written_to)
        return written_to.version()

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
        table = self._open(usecase, name)
        if table is None:
            return None
        return _rows(table, batches, columns, where)

    def count(self, usecase: str, name: Name, batch: str) -> int:
        """How many rows of one batch are in the table, committed or not."""
        table = self._open(usecase, name)
        return _count(table, batch) if table is not None else 0

    def batches(self, usecase: str, name: Name) -> dict[str, int]:
        """How many rows of each batch are in the table, committed or not."""
        table = self._open(usecase, name)
        if table is None:
            return {}
        column = _rows(table, None, [BATCH]).column(BATCH)
        return {entry["values"]: entry["counts"] for entry in column.value_counts().to_pylist()}

    def sweep(self, usecase: str, name: Name, batch: str) -> None:
        """Delete the rows of a batch that was never committed."""
        table = self._open(usecase, name)
        if table is not None:
            table.delete(f"{BATCH} = '{batch}'")

    def replace(self, usecase: str, name: Name, batch: str, rows: pa.Table | None) -> None:
        """Replace a batch's rows by those that are left after an erasure, in one commit. rows: None if none are."""
        table = self._open(usecase, name)
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
        table = self._open(usecase, name)
        if table is None:
            return
        with write("erased_versions"):
            if not _SETTINGS.items() <= table.metadata().configuration.items():
                _cut_log(table)
            table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)

    def version(self, usecase: str, name: Name) -> int | None:
        """The table's newest version, or None if it does not exist yet."""
        table = self._open(usecase, name)
        return table.version() if table is not None else None

    def _open(self, usecase: str, name: Name) -> DeltaTable | None:
        try:
            return DeltaTable(self.where(usecase, name))
        except TableNotFoundError:
            return None


def _cut_log(table: DeltaTable) -> None:
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
    if sum(size < WHOLE_FILE / 2 for size in sizes) < SMALL_FILES:
        return
    properties = WriterProperties(max_row_group_size=_ROWS_TO_SKIP)
    try:
        table.optimize.compact(target_size=WHOLE_FILE, max_concurrent_tasks=1, writer_properties=properties)
    except CommitFailedError as error:
        # The rows are written. The next batch tries again.
        log.info("%s: small files were not joined, since another process wrote: %s", table.table_uri, error)


def _rows(
    table: DeltaTable, batches: list[str] | None, columns: list[str] | None, where: pc.Expression | None = None
) -> pa.Table:
    """Read with DataFusion, which opens only the files of these batches, so the cost does not grow with the table.

    batches: all if None. columns: those that the table does not have are left out. where: about columns that are read.
    Raises TableUnreadable for a file that is damaged or missing, TransientError for storage that does not answer.
    """
    import pyarrow as pa

    schema = _arrow_schema(table)
    read = schema if columns is None else pa.schema([field for field in schema if field.name in columns])
    if batches == []:
        return read.empty_table()
    many = batches is not None and len(batches) > _LISTED
    needed = pa.schema([field for field in schema if field.name in read.names or (many and field.name == BATCH)])
    names = ", ".join(quoted(name) for name in needed.names)
    listed = ", ".join("'" + batch.replace("'", "''") + "'" for batch in batches or ())
    query = f"SELECT {names} FROM here" + (f" WHERE {BATCH} IN ({listed})" if batches and not many else "")
    wanted = pa.array(batches, pa.string()) if many else None
    try:
        parts = QueryBuilder().register("here", table).execute(query)
        rows = [_kept(pa.table(part).cast(needed), wanted, where).select(read.names) for part in parts]
    except Exception as error:  # DataFusion's errors have no specific type
        message = str(error)
        if "Object Store error: Generic" in message:
            raise TransientError(f"{table.table_uri} cannot be reached: {message}") from error
        raise TableUnreadable(
            f"{table.table_uri}{_first_unreadable(table)} cannot be read: {message}\n  restore it from a backup"
        ) from error
    return pa.concat_tables([read.empty_table(), *rows])


def _kept(rows: pa.Table, batches: pa.Array | None, where: pc.Expression | None) -> pa.Table:
    """Rows of these batches, all if None, for which `where` holds."""
    import pyarrow.compute as pc

    rows = rows if batches is None else rows.filter(pc.is_in(rows[BATCH], value_set=batches))
    return rows if where is None else rows.filter(where)


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _first_unreadable(table: DeltaTable) -> str:
    """The table's first unreadable file, which DataFusion does not always name."""
    for fragment in table.to_pyarrow_dataset().get_fragments():
        try:
            fragment.to_table()
        except (OSError, ValueError):
            return str(fragment.path)
    return ""


def _count(table: DeltaTable, batch: str) -> int:
    return int(_rows(table, [batch], [BATCH]).num_rows)


def _same_rows(left: pa.Table, rows: pa.Table) -> bool:
    """Whether two tables have the same rows in any order; columns that only one of them has must be all null."""
    import duckdb

    if left.num_rows != rows.num_rows or not set(rows.column_names) <= set(left.column_names):
        return False
    if any(left[name].null_count < left.num_rows for name in set(left.column_names) - set(rows.column_names)):
        return False
    with duckdb.connect() as connection:
        connection.register("left_rows", left.select(rows.column_names))
        connection.register("new_rows", rows)
        return not connection.sql("SELECT * FROM left_rows EXCEPT ALL SELECT * FROM new_rows LIMIT 1").fetchall()


def _same_types(rows: pa.Table, table: DeltaTable, uri: str) -> None:
    """Refuse differing types before anything is written, because a merge would silently convert them."""
    stored = {field.name: field.type for field in _arrow_schema(table)}
    for field in rows.schema:
        if field.name in stored and stored[field.name] != field.type:
            raise InputError(
                f"{uri}: column {field.name!r} is {stored[field.name]} in the table and {field.type} in this batch. "
                f"The type of a column cannot change: use another name, or declare a new use case."
            )


def _arrow_schema(table: DeltaTable) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(table.schema().to_arrow())
