"""Files in a folder of this machine, or of a disk that machines share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.whole_file import replacing

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Folder:
    """See `files.Files`. A file whose name begins with a dot is one that was not written to its end."""

    folder: Path

    def put(self, name: str, data: bytes | Iterator[bytes]) -> None:
        """Raises OSError if the folder cannot be written."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as half, half.open("wb") as file:
            for part in [data] if isinstance(data, bytes) else data:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())

    def get(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def local(self, name: str) -> Iterator[Path | None]:
        path = self.folder / name
        yield path if path.exists() else None

    def opened(self, name: str) -> pa.NativeFile:
        import pyarrow as pa

        return pa.OSFile(str(self.folder / name))

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def names(self, folder: str) -> list[str]:
        top = self.folder / folder
        there = (path for path in top.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(path.relative_to(top).as_posix() for path in there)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def remove_folder(self, folder: str) -> None:
        if (self.folder / folder).exists():
            shutil.rmtree(self.folder / folder)

    def where(self, name: str) -> str:
        return str(self.folder / name)
