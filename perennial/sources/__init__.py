"""Where batches come from. A kind of source is one file here and one line below, imported only when it is opened.

Other people's packages add kinds under the entry-point group `perennial.sources`: the name there is what a
declaration writes as `source.kind`, the object a function of the form of `Opener`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from perennial.errors import InputError

if TYPE_CHECKING:
    from perennial.sources.window import Source

ENTRY_POINTS = "perennial.sources"

KINDS: dict[str, str] = {
    "delta": "perennial.sources.delta:open_delta",
    "files": "perennial.sources.files:open_files",
    "nycflights13": "perennial.sources.nycflights13:open_flights",
    "sql": "perennial.sources.sql:open_sql",
}


class Opener(Protocol):
    """Makes a source of its part of the declaration; see `open_source` for the parameters."""

    def __call__(self, config: Any, *, folder: Path, schema_time: str, timezone: str) -> Source: ...


def open_source(config: Any, *, folder: Path, schema_time: str, timezone: str) -> Source:
    """The source that a declaration's `source` describes. Nothing is read yet.

    folder: where the declaration lies; relative paths in it start there.
    schema_time: the column with the time of a row's event. timezone: whose calendar cuts batches.
    Raises InputError for a kind that nothing here answers to.
    """
    if config.kind in KINDS:
        module, name = KINDS[config.kind].split(":")
        opener: Opener = getattr(import_module(module), name)
        return opener(config, folder=folder, schema_time=schema_time, timezone=timezone)
    for entry in entry_points(group=ENTRY_POINTS, name=config.kind):
        opener = entry.load()
        return opener(config, folder=folder, schema_time=schema_time, timezone=timezone)
    raise InputError(
        f"source.kind: unknown source '{config.kind}'\n"
        f"  Known sources: {', '.join(sorted(KINDS))}; others come with packages (entry point `{ENTRY_POINTS}`)"
    )
