"""The rows of keys in the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from perennial.our_columns import BATCH, RAW
from perennial.store.tables import Name, Tables

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.erasure.keys import Keys

NAMES: tuple[Name, ...] = get_args(Name)
Found = dict[Name, dict[str, int]]
"""Table → batch → how many of its rows have one of the keys."""


def rows_in_tables(tables: Tables, keys: Keys) -> Found:
    """The rows in every table, whether or not the ledger has committed them; tables without any are left out."""
    usecase = keys.declaration.name
    here: Found = {}
    for name in NAMES:
        batches = tables.batches(usecase, name)
        table = tables.read(usecase, name, list(batches), _columns(keys, name)) if batches else None
        if table is None:
            continue
        counts = table.filter(rows_of(keys, name, table)).column(BATCH).value_counts().to_pylist()
        if counts:
            here[name] = {each["values"]: each["counts"] for each in counts}
    return here


def erase_from_tables(tables: Tables, keys: Keys, here: Mapping[Name, Mapping[str, int]]) -> None:
    """Write the batches again without the rows of the keys."""
    usecase = keys.declaration.name
    for name, batches in here.items():
        for batch in batches:
            table = tables.read(usecase, name, [batch])
            assert table is not None, "it has rows of the keys"
            import pyarrow.compute as pc

            tables.replace(usecase, name, batch, table.filter(pc.invert(rows_of(keys, name, table))))


def _columns(keys: Keys, name: Name) -> list[str]:
    return [BATCH, RAW] if name == "quarantine" else [BATCH, *keys.declaration.schema_.key]


def rows_of(keys: Keys, name: Name, table: pa.Table) -> pa.BooleanArray:
    """Which rows of a table have one of the keys, shape (n,)."""
    if name == "quarantine":
        return keys.among_texts([json.loads(text) for text in table[RAW].to_pylist()])
    if name == "flips":
        return keys.among_texts(table.select(list(keys.declaration.schema_.key)).to_pylist())
    return keys.among(table)
