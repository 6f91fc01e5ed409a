"""The content digest of stored rows, wherever they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from perennial.content import digest_columns, digest_rows
from perennial.content_in_parts import digest_parts
from perennial.our_columns import ARRIVED_AT
from perennial.store.rows import content, frame_of
from perennial.store.stored_rows import PART, StoredRows

if TYPE_CHECKING:
    import pandas as pd


def rows_digest(rows: pd.DataFrame | StoredRows, key: Sequence[str], without: Sequence[str] = ()) -> str:
    """Equal for the same rows in memory and on disk. without: columns that are left out."""
    if not isinstance(rows, StoredRows):
        return digest_rows(content(rows.drop(columns=list(without))), list(key))
    asked = [name for name in rows.columns if name not in without]
    with_values = set[str]()
    for part in rows.parts(PART, asked):
        with_values.update(content(frame_of(part.drop_columns(sorted(with_values)))).columns)
        if len(with_values) == len(asked) - (ARRIVED_AT in asked):
            break
    parts = {("rows", name): partial(rows.column_parts, name) for name in with_values}
    columns = {("rows", name): partial(rows.__getitem__, name) for name in with_values}
    return digest_parts(len(rows), parts, key) or digest_columns(len(rows), columns, key)
