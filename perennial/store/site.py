"""Where the steps over parts of rows run, if not in this process, and the files of which nothing is left afterwards."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from perennial.engine import Engine
from perennial.fault_points import full_disk
from perennial.store.files import Files, files_at

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["typed", "fitting", "predicting"]
_KINDS: tuple[Kind, ...] = ("typed", "fitting", "predicting")


@dataclass(frozen=True)
class Site:
    """place: of files that all processes of the engine can reach."""

    engine: Engine
    place: str

    @property
    def files(self) -> Files:
        """Those files."""
        return shared_files(self.place)

    @contextmanager
    def folder(self, kind: Kind, usecase: str) -> Iterator[str]:
        """An empty folder of a step, until the end of the block.

        Only one run at a time may have one of this kind and use case: what a killed one left is removed.
        """
        folder = f"{kind}/{usecase}"
        self.files.remove_folder(folder)
        try:
            yield f"{folder}/{uuid4().hex}"  # a call of a killed run may still write into its own
        finally:
            self.files.remove_folder(folder)


def shared_files(place: str) -> Files:
    """The files at a place of a site, for a process that may have no home."""
    return files_at(place, Path(tempfile.gettempdir()))


def put_rows(files: Files, name: str, rows: pa.Table) -> None:
    """Write rows into a Parquet file. Raises DiskFull."""
    import pyarrow.parquet as pq

    to = io.BytesIO()
    pq.write_table(rows, to)
    with full_disk("rows that workers share"):
        files.put(name, to.getvalue())


def shared_rows(place: str, name: str) -> pa.Table:
    """Rows that were written."""
    import pyarrow.parquet as pq

    return pq.read_table(shared_files(place).opened(name), use_threads=False)


def forget_shared(files: Files, usecase: str) -> None:
    """Remove what steps of a use case share, of which a killed process leaves some."""
    for kind in _KINDS:
        files.remove_folder(f"{kind}/{usecase}")
