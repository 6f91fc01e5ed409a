"""Files of statistics next to the tables: one per batch, written once, so that the cost per batch stays constant.

A Delta table would have to find a batch among all its files at every read, which becomes slower with each batch.
Below `folder`: `USECASE/RECIPE/grids.json`, `USECASE/RECIPE/batches/BATCH.parquet` and
`USECASE/RECIPE/champions/CHALLENGER.{json,parquet}`. Readers ask for the batches that the ledger names, so a file
without its ledger row is never read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.fault_points import write
from perennial.whole_file import replacing, write_whole

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class StatisticsFiles:
    """The statistics of one use case's features, as one version of its recipe computes them.

    Every file can be computed again from the tables, the ledger and the registry. A damaged one is therefore treated
    like a missing one.
    """

    folder: Path

    def keep_table(self, name: str, table: pa.Table) -> None:
        """Write a file atomically. Raises DiskFull."""
        import pyarrow.parquet as pq

        path = self._path(f"{name}.parquet")
        with write("statistics_file"), replacing(path) as half:
            pq.write_table(table, half, compression="zstd")

    def table(self, name: str) -> pa.Table | None:
        """A stored table; None if it is missing or damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{name}.parquet"
        try:
            return pq.read_table(path, partitioning=None) if path.is_file() else None
        except (pa.ArrowInvalid, OSError):
            return None

    def keep_json(self, name: str, value: Any) -> None:
        """Write a file atomically. Raises DiskFull."""
        path = self._path(f"{name}.json")
        with write("statistics_file"):
            write_whole(path, json.dumps(value, allow_nan=False))

    def json(self, name: str) -> Any | None:
        """A stored value; None if it is missing or damaged."""
        try:
            return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    def _path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
