"""Naming a batch by what came, and its place in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.errors import InputError
from perennial.identity import digest_rows, short_id
from perennial.ledger.entries import BatchEntry
from perennial.sources.window import Window
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.parsing import Parsed


@dataclass(frozen=True)
class Named:
    """A batch's identity: what came, for which window, as which revision, under which declaration."""

    batch: str
    revision: int
    digest: str


def content_digest(frame: pd.DataFrame, unreadable: Mapping[str, pd.Series], key: tuple[str, ...]) -> str:
    """sha256 of what a batch says, whatever its file's layout: typed values and texts that no type could read."""
    whole = frame.assign(**{f"{name}\x1funreadable": text for name, text in unreadable.items()})
    return digest_rows(whole, [name for name in key if name in frame.columns] or list(frame.columns[:1]))


def with_late_target(parsed: Parsed, declaration: Declaration) -> Parsed:
    """A batch whose labels come later in files of their own may lack the target column: then no label is known yet."""
    target = declaration.schema_.target
    if declaration.labels is None or target not in parsed.missing:
        return parsed
    empty = parsed.frame.assign(**{target: float("nan")})
    return replace(parsed, frame=empty, missing=tuple(name for name in parsed.missing if name != target))


def name_batch(
    declaration: Declaration, window: str, digest: str, newest: BatchEntry | None, waived: tuple[str, ...] = ()
) -> Named:
    """The identity of a batch that came. Other content for a known window is its next revision.

    newest: of the same window. waived: checks that are waived for this content.
    """
    revision = newest.revision + 1 if newest else 1
    identity = [declaration.name, declaration.source.kind, window, revision, digest, declaration.digest, *waived]
    return Named(short_id(identity), revision, digest)


def end_of(window: Window, frame: pd.DataFrame, schema: Schema) -> datetime:
    """The end of a batch's window; for a file, the midnight (in the schema's zone) after its last event.

    Raises InputError for a file without a single readable time.
    """
    if window.end is not None:
        return window.end
    last = frame[schema.time].max() if schema.time in frame.columns and len(frame) else None
    if last is None or last != last:
        raise InputError(
            f"{window.name}: no row has a readable time in column {schema.time!r}, so the batch has no place in time. "
            f"Mend the file, or correct schema.time; nothing was taken in."
        )
    local = last.tz_convert(schema.timezone)
    midnight = datetime(local.year, local.month, local.day) + timedelta(days=1)
    return midnight.replace(tzinfo=ZoneInfo(schema.timezone))
