"""A batch's identity from its content, and its place in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from perennial.content import digest_columns
from perennial.content_in_parts import digest_parts
from perennial.errors import InputError
from perennial.identity import short_id
from perennial.ledger.entries import BatchEntry
from perennial.local_time import midnight, on_local_clocks
from perennial.sources.batch_rows import BatchRows, column_parts
from perennial.sources.stored import Stored
from perennial.sources.window import Window
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd

    from perennial.content import Column

Rows = TypeVar("Rows", bound=BatchRows)

_BLOCK = 2**20
"""Times that are put on local clocks at once: each takes several copies."""


@dataclass(frozen=True)
class Named:
    """A batch's identity: its content, window, revision and declaration."""

    batch: str
    revision: int
    digest: str


def content_digest(batch: BatchRows, key: tuple[str, ...]) -> str:
    """sha256 of a batch's content, independent of the file's layout: typed values, and texts that the types lose.

    Two numbers, or two times, that differ in the file differ here, even if their column stores them as equal.
    """
    there = [name for name in key if name in batch.names]
    beside = (("unreadable", batch.unreadable), ("inexact", batch.inexact))
    if isinstance(batch, Stored):
        parts = {("rows", name): partial(column_parts, batch, name) for name in batch.names}
        for what, texts in beside:
            parts |= {("beside", f"{what} {name}"): partial(batch.text_parts, what, name) for name in texts}
        if (digest := digest_parts(len(batch), parts, there)) is not None:
            return digest
    columns: dict[tuple[str, str], Column] = {("rows", name): partial(batch.column, name) for name in batch.names}
    for what, texts in beside:
        columns |= {("beside", f"{what} {name}"): partial(texts.__getitem__, name) for name in texts}
    return digest_columns(len(batch), columns, there)


def with_late_target(batch: Rows, declaration: Declaration) -> Rows:
    """A batch whose labels come later in separate files may lack the target column; no label is then known yet."""
    target = declaration.schema_.target
    if declaration.labels is None or target not in batch.missing:
        return batch
    return batch.with_empty({target: "float64"}, (*batch.names, target))


def name_batch(
    declaration: Declaration, window: str, digest: str, newest: BatchEntry | None, waived: tuple[str, ...] = ()
) -> Named:
    """The identity of a batch. Other content for a known window is its next revision.

    newest: of the same window. waived: checks that are waived for this content.
    """
    revision = newest.revision + 1 if newest else 1
    identity = [declaration.name, declaration.source.kind, window, revision, digest, declaration.digest, *waived]
    return Named(short_id(identity), revision, digest)


def end_of(window: Window, rows: int, times: Iterable[pd.Series], schema: Schema, why: str = "") -> datetime:
    """The end of a batch's window; for a file, the midnight (in the schema's zone) after its last event.

    rows: how many it has. times: of its plausible rows, part by part; none without a time column. why: what is probably
    wrong with the times, if anything. Raises InputError for a file without a single readable, plausible time.
    """
    if window.end is not None:
        return window.end
    if not rows:
        raise InputError(
            f"{window.name}: the file has a header but no row, so it was not ingested\n"
            "  write it with its header and its rows, or remove it"
        )
    blocks = (part[at : at + _BLOCK] for part in times for at in range(0, len(part), _BLOCK))
    local = max(
        (on_local_clocks(block, schema.timezone).max() for block in blocks if block.notna().any()), default=None
    )
    if local is None:
        raise InputError(
            f"{window.name}: no row has a readable, plausible time in column {schema.time!r}, so the batch cannot be "
            f"placed in time and was not ingested. {f'{why}.' if why else 'Correct the file, or schema.time.'}"
        )
    return midnight(datetime(local.year, local.month, local.day), ZoneInfo(schema.timezone), after=1)
