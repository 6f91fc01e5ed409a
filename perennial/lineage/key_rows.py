"""The rows of one key, in the place of whole tables: what training and evaluation do with it is asked of their code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.intake.frames import arrow_column
from perennial.lineage.graph import Ref
from perennial.our_columns import BATCH, RAW, REASONS
from perennial.sources.typed_column import read_as
from perennial.store.stream import Range, Span, Stream
from perennial.store.tables import Name, Tables
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc


@dataclass(frozen=True)
class RowKey:
    """The values of the key columns of a row. values: arrays of length 1, typed as in the tables."""

    texts: tuple[str, ...]
    values: Mapping[str, pa.Array]

    @property
    def ref(self) -> Ref:
        """Its node."""
        return Ref("key", key_text(self.texts))

    @property
    def matches(self) -> pc.Expression:
        """Whether a row of a table has this key."""
        import pyarrow.compute as pc

        (first, *others) = [pc.field(name) == value[0] for name, value in self.values.items()]
        for other in others:
            first = first & other
        return first


def key_text(texts: Sequence[str]) -> str:
    """A key as it is written: its values in the declared order, separated by commas, or as a JSON list.

    >>> key_text(["2024-03-00012"]), key_text(["EWR", "1545"]), key_text(["a,b", "2"])
    ('2024-03-00012', 'EWR,1545', '["a,b", "2"]')
    """
    if any("," in text for text in texts) or texts[0].startswith("["):
        return json.dumps(list(texts), ensure_ascii=False)
    return ",".join(texts)


def texts_of(text: str, columns: int) -> list[str] | None:
    """The values in a written key; None if it has another number of columns.

    >>> texts_of("EWR,1545", 2), texts_of('["a,b"]', 1), texts_of("EWR", 2)
    (['EWR', '1545'], ['a,b'], None)
    """
    if text.startswith("["):
        try:
            read = json.loads(text)
        except ValueError:
            read = None
        if isinstance(read, list) and len(read) == columns:
            return [str(each) for each in read]
    parts = text.split(",") if columns > 1 else [text]
    return parts if len(parts) == columns else None


def row_key(declaration: Declaration, text: str) -> RowKey | None:
    """The key that a text names; None if it cannot be one of this use case."""
    import pyarrow as pa

    schema, types = declaration.schema_, column_types(declaration)
    texts = texts_of(text, len(schema.key))
    if texts is None:
        return None
    values = {}
    for name, each in zip(schema.key, texts, strict=True):
        read, _ = read_as(pa.array([each], pa.string()), types[name], schema.timezone)
        values[name] = arrow_column(read, types[name])
    if any(value.null_count for value in values.values()):
        return None
    return RowKey(tuple(str(value[0].as_py()) for value in values.values()), values)


@dataclass(frozen=True, kw_only=True)
class KeyTables(Tables):
    """The tables as they would be if no other key had rows. They are read once and never written."""

    held: Mapping[Name, pa.Table | None]

    def stream(
        self,
        usecase: str,
        name: Name,
        batches: list[str],
        columns: list[str] | None = None,
        where: pc.Expression | None = None,
        span: Span | None = None,
        ranges: Sequence[Range] = (),
    ) -> Stream | None:
        """As `Tables.stream`. span, ranges: not needed to skip files of a few rows."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self.held[name]
        if table is None:
            return None
        table = table.filter(pc.is_in(table[BATCH], value_set=pa.array(batches, pa.string())))
        table = table if where is None else table.filter(where)
        table = table if columns is None else table.select([each for each in columns if each in table.column_names])
        return Stream(table.schema, iter([table]))

    def version(self, usecase: str, name: Name) -> None:
        """None: what others remember of the whole tables is not of these."""


def key_tables(tables: Tables, usecase: str, key: RowKey, batches: list[str], labels: list[str]) -> KeyTables:
    """The accepted rows and the labels of a key in the named batches."""
    return KeyTables(
        f"{tables.uri}#{key.ref}",
        tables.bounds,
        held={
            "accepted": tables.read(usecase, "accepted", batches, where=key.matches),
            "labels": tables.read(usecase, "labels", labels, where=key.matches),
        },
    )


def set_aside(tables: Tables, usecase: str, names: Sequence[str], key: RowKey, batches: list[str]) -> dict[str, str]:
    """The batches that set a row of this key aside, each with the first reason. names: of the key columns."""
    import pyarrow.compute as pc

    written = json.dumps(key.texts[0], ensure_ascii=False)[1:-1]
    table = tables.read(
        usecase, "quarantine", batches, [BATCH, RAW, REASONS], where=pc.match_substring(pc.field(RAW), written)
    )
    aside = {}
    for row in table.to_pylist() if table is not None else []:
        raw = json.loads(row[RAW])
        if tuple(str(raw.get(name)).strip() for name in names) == key.texts:
            aside[row[BATCH]] = ", ".join(json.loads(row[REASONS]))
    return aside
