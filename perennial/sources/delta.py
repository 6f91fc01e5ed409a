"""A source of a Delta Lake table, cut by its time column. Credentials of object storage come from the environment."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.errors import InputError, TableUnreadable, TransientError
from perennial.sources.epochs import epoch_hint
from perennial.sources.typed_column import read_timestamps
from perennial.sources.window import Arrival, Cut, Window, window_names, window_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from deltalake import DeltaTable

    from perennial.sources.config import DeltaSource


def open_delta(config: DeltaSource, *, folder: Path, schema_time: str, timezone: str) -> DeltaRows:
    """The source of a table; a path that is no URI starts at `folder`. Nothing is read yet."""
    uri = config.path if "://" in config.path else str((folder / config.path).resolve())
    return DeltaRows(uri, config.batch, schema_time, timezone)


@dataclass(frozen=True)
class DeltaRows:
    """The table's newest version, cut into windows."""

    uri: str
    cut: Cut
    time: str
    timezone: str

    def windows(self) -> list[Window]:
        """Every window that has rows, oldest first; of the table only the time column is read.

        Raises InputError where there is no such table, it uses a feature that the reader here lacks, or a row has no
        readable time; TransientError where the storage does not answer.
        """
        with _reading(self.uri):
            times = self._table().to_pyarrow_table(columns=[self.time])[self.time]
        return sorted(window_of(name, self.cut, ZoneInfo(self.timezone)) for name in self._names(times).unique())

    def fetch(self, window: Window) -> Arrival:
        """The window's rows as Parquet; files that hold none of them are not read where the times are timestamps."""
        import pyarrow.parquet as pq

        with _reading(self.uri):
            rows = self._near(window)
        rows = rows.take(self._names(rows[self.time]).eq(window.name).to_numpy().nonzero()[0])
        out = io.BytesIO()
        pq.write_table(rows.replace_schema_metadata(None), out)
        return Arrival(window, out.getvalue(), ".parquet")

    def _near(self, window: Window) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        data = self._table().to_pyarrow_dataset()
        kind = data.schema.field(self.time).type
        if not (pa.types.is_timestamp(kind) and kind.tz is not None) or window.start is None:
            return data.to_table()
        start, end = (pa.scalar(moment).cast(kind) for moment in (window.start, window.end))
        return data.to_table(filter=(pc.field(self.time) >= start) & (pc.field(self.time) < end))

    def _table(self) -> DeltaTable:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            table = DeltaTable(self.uri)
        except TableNotFoundError as problem:
            raise InputError(f"source.path: there is no Delta table at {self.uri}\n  correct it") from problem
        except (DeltaError, OSError) as problem:
            raise TransientError(f"source.path: {self.uri} does not answer: {problem}") from problem
        _refuse_unknown_features(table, self.uri)
        names = [field.name for field in table.schema().fields]
        if self.time not in names:
            raise InputError(
                f"source.path: {self.uri} has no time column '{self.time}'\n  it has {', '.join(names[:12])}"
            )
        return table

    def _names(self, times: pa.ChunkedArray) -> pd.Series:
        instants, bad = read_timestamps(times, self.timezone)
        if lost := int(instants.isna().sum()):
            message = f"{lost:,} of {len(instants):,} rows of {self.uri} have no readable time in '{self.time}'"
            first = bad.dropna().iloc[0] if bad.notna().any() else None
            shown = f"; the first is {first!r}{epoch_hint(first)}" if first is not None else ""
            raise InputError(f"source.path: {message}{shown}\n  correct them at their source")
        return window_names(instants, self.cut, ZoneInfo(self.timezone))


@contextmanager
def _reading(uri: str) -> Iterator[None]:
    """A file that is gone, and storage that stops to answer in the middle, in our words."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except FileNotFoundError as problem:
        message = f"source.path: a file of the table at {uri} is gone: {str(problem).splitlines()[0]}"
        raise TableUnreadable(
            message, fix="bring it back, or restore the table to a version that is whole"
        ) from problem
    except (DeltaError, OSError, pa.ArrowException) as problem:
        message = f"source.path: {uri} cannot be read to its end: {str(problem).splitlines()[0]}"
        raise TransientError(message) from problem


_HOW_TO_DROP = {
    "deletionVectors": "deletion vectors: ALTER TABLE … DROP FEATURE deletionVectors (Databricks), or REORG TABLE … "
    "APPLY (PURGE) after setting delta.enableDeletionVectors = false",
    "columnMapping": "column mapping: ALTER TABLE … DROP FEATURE columnMapping (Databricks)",
}


def _refuse_unknown_features(table: DeltaTable, uri: str) -> None:
    """Rows that a deletion vector marks as deleted would be read as if they were there, so nothing is read."""
    from deltalake.table import MAX_SUPPORTED_READER_VERSION, SUPPORTED_READER_FEATURES

    protocol = table.protocol()
    used = sorted(set(protocol.reader_features or ()) - SUPPORTED_READER_FEATURES)
    if protocol.min_reader_version == 2:  # the version before features had names: it stands for column mapping
        used = ["columnMapping"]
    if protocol.min_reader_version > MAX_SUPPORTED_READER_VERSION:
        used = [f"reader version {protocol.min_reader_version}"]
    if used:
        ways = [_HOW_TO_DROP[name] for name in used if name in _HOW_TO_DROP]
        raise InputError(
            f"source.path: the table at {uri} uses {' and '.join(used)}, which the reader here does not know",
            code="delta-feature",
            value=uri,
            fix="; ".join([*ways, "or write a plain copy of the table and name that"]),
        )
