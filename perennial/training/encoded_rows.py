"""What an estimator learns from, as rows of numbers in a file of this process: read more often than they are made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from perennial.fault_points import full_disk

KIND = np.dtype(np.float32)
"""XGBoost's own type of inputs, labels and weights."""


@dataclass(frozen=True)
class EncodedRows:
    """Rows of `columns` numbers each, in the order in which they were written."""

    file: IO[bytes]
    columns: int

    def append(self, rows: np.ndarray) -> None:
        """Write rows, shape (n, columns). Raises DiskFull."""
        with full_disk("the rows that an estimator learns from"):
            self.file.write(np.ascontiguousarray(rows, dtype=KIND).data)

    def parts(self, rows: int) -> Iterator[np.ndarray]:
        """All rows in arrays of shape (rows, columns), but for the last one."""
        self.file.seek(0)
        while (part := np.fromfile(self.file, KIND, rows * self.columns)).size:
            yield part.reshape(-1, self.columns)


@contextmanager
def encoded_rows(folder: Path, columns: int) -> Iterator[EncodedRows]:
    """An empty file, of which nothing is left after the block."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield EncodedRows(file, columns)
