"""Arrays whose values are in files: the system keeps of them in memory what there is room for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from perennial.fault_points import full_disk

Array = npt.NDArray[Any]


def filed(folder: Path, parts: Iterable[Array]) -> Array:
    """The parts, at least one, one after another. They have the same type and, but for the number of rows, one shape.

    The file has no name, so that nothing is left of it, even of a killed process. The array cannot be changed.
    Raises DiskFull.
    """
    return filed_columns(folder, ({"": part} for part in parts))[""]


def filed_columns(folder: Path, parts: Iterable[Mapping[str, Array]]) -> dict[str, Array]:
    """The same for several arrays, each in a file. A part may lack some of them."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[bytes]] = {}
    rows: dict[str, int] = {}
    last: dict[str, Array] = {}
    with ExitStack() as opened, full_disk("an array of the rows"):
        for part in parts:
            for name, values in part.items():
                if name not in files:
                    files[name] = opened.enter_context(tempfile.TemporaryFile(dir=folder))
                files[name].write(np.ascontiguousarray(values).tobytes())
                rows[name] = rows.get(name, 0) + len(values)
                last[name] = values
        return {name: _array(file, rows[name], last[name]) for name, file in files.items()}


def _array(file: IO[bytes], rows: int, last: Array) -> Array:
    file.flush()
    if not rows:
        return last
    return np.asarray(np.memmap(file, dtype=last.dtype, mode="r", shape=(rows, *last.shape[1:])))
