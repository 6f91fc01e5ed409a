"""A source of files: each a batch as it is, or all of them together cut by the time column."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.sources.cut_files import CutFiles
from perennial.sources.file_bytes import reading
from perennial.sources.paths import ending_of_name, names_in, no_window, suffix_of
from perennial.sources.window import Arrival, Source, Window

if TYPE_CHECKING:
    from perennial.sources.config import FilesSource


def open_files(config: FilesSource, *, folder: Path, schema_time: str, timezone: str) -> Source:
    """The source of a file or folder; a relative path starts at `folder`. Nothing is read yet."""
    path = folder / config.path
    if config.batch == "file":
        return WholeFiles(path)
    only = next(iter(config.only.items())) if config.only else None
    return CutFiles(path, config.batch, schema_time, timezone, config.read, only)


@dataclass(frozen=True)
class WholeFiles:
    """Each file is a batch named by its stem, its bytes as they are. field: which of the declaration names the path."""

    path: Path
    field: str = "source.path"

    def windows(self) -> list[Window]:
        """One window a file, month_2 before month_10. Raises InputError where there are none or two of one stem."""
        return list(_windows(tuple(self._by_stem()[1])))

    def window(self, name: str) -> Window:
        """The window with that name. Raises InputError where there is none."""
        self._file(_window(name))
        return _window(name)

    def fetch(self, window: Window) -> Arrival:
        """The file. Raises InputError for an unknown window, TransientError where reading may succeed later."""
        path = self._file(window)
        with reading(path), path.open("rb"):
            return Arrival(window, path, suffix_of(path))

    def _file(self, window: Window) -> Path:
        """Where it is. The folder is listed again only if the file was not in it the last time, or is gone since."""
        folder, names = _LISTED.get(self.path, (self.path, {}))
        if window.name not in names or not (folder / names[window.name]).is_file():
            folder, names = self._by_stem()
        if window.name not in names:
            raise no_window(window, list(names), self.path)
        return folder / names[window.name]

    def _by_stem(self) -> tuple[Path, dict[str, str]]:
        """The folder, and the stems of its files with their names."""
        folder, names = names_in(self.path, self.field)
        _LISTED.pop(self.path, None)
        while len(_LISTED) >= _KEPT:
            _LISTED.pop(next(iter(_LISTED)), None)
        _LISTED[self.path] = folder, _by_stem(names, folder, self.field)
        return _LISTED[self.path]


_KEPT = 16
_LISTED: dict[Path, tuple[Path, dict[str, str]]] = {}
"""What this process saw last in the folders that it listed lately, because listing years of files takes long."""


@lru_cache(maxsize=16)
def _by_stem(files: tuple[str, ...], folder: Path, field: str) -> dict[str, str]:
    """Cached, as the files are: a cycle looks at them several times."""
    names: dict[str, str] = {}
    for name in files:
        if os.sep in name:
            raise InputError(
                f"{field}: {folder} holds folders like {Path(name).parent.name}, whose files belong together\n"
                "  cut them by the time column: `batch: month`"
            )
        stem = name[: len(name) - len(ending_of_name(name))]
        if stem in names:
            raise InputError(
                f"{folder / name}: {names[stem]} is there too, and a file's stem names its batch\n  rename one"
            )
        names[stem] = name
    return names


@lru_cache(maxsize=16)
def _windows(stems: tuple[str, ...]) -> tuple[Window, ...]:
    return tuple(map(_window, stems))


@lru_cache(maxsize=65_536)
def _window(stem: str) -> Window:
    return Window(None, None, stem)
