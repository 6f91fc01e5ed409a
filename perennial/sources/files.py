"""A source of files: each a batch as it is, or all of them together cut by the time column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.sources.cut_files import CutFiles
from perennial.sources.file_bytes import reading
from perennial.sources.paths import ending_of, files_in, no_window, suffix_of
from perennial.sources.window import Arrival, Source, Window

if TYPE_CHECKING:
    from perennial.sources.config import FilesSource


def open_files(config: FilesSource, *, folder: Path, schema_time: str, timezone: str) -> Source:
    """The source of a file or folder; a relative path starts at `folder`. Nothing is read yet."""
    path = folder / config.path
    if config.batch == "file":
        return WholeFiles(path)
    return CutFiles(path, config.batch, schema_time, timezone, config.read)


@dataclass(frozen=True)
class WholeFiles:
    """Each file is a batch named by its stem, its bytes as they are. field: which of the declaration names the path."""

    path: Path
    field: str = "source.path"

    def windows(self) -> list[Window]:
        """One window a file, month_2 before month_10. Raises InputError where there are none or two of one stem."""
        return list(_windows(tuple(self._by_stem())))

    def fetch(self, window: Window) -> Arrival:
        """The file. Raises InputError for an unknown window, TransientError where reading may succeed later."""
        paths = self._by_stem()
        if window.name not in paths:
            raise no_window(window, list(paths), self.path)
        path = paths[window.name]
        with reading(path), path.open("rb"):
            return Arrival(window, path, suffix_of(path))

    def _by_stem(self) -> dict[str, Path]:
        return _by_stem(tuple(files_in(self.path, self.field)), self.path, self.field)


@lru_cache(maxsize=16)
def _by_stem(files: tuple[Path, ...], folder: Path, field: str) -> dict[str, Path]:
    """Cached, as the files are: a cycle looks at them several times."""
    paths: dict[str, Path] = {}
    flat = len(folder.parts) + 1
    for path in files:
        if len(path.parts) > flat:
            raise InputError(
                f"{field}: {folder} holds folders like {path.parent.name}, whose files belong together\n"
                "  cut them by the time column: `batch: month`"
            )
        stem = path.name[: len(path.name) - len(ending_of(path))]
        if stem in paths:
            raise InputError(
                f"{path}: {paths[stem].name} is there too, and a file's stem names its batch\n  rename one"
            )
        paths[stem] = path
    return paths


@lru_cache(maxsize=16)
def _windows(stems: tuple[str, ...]) -> tuple[Window, ...]:
    return tuple(Window(None, None, stem) for stem in stems)
