"""The keys of the rows that are to be erased, and which rows have one of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.errors import InputError
from perennial.intake.frames import arrow_column
from perennial.sources.opened import UnreadableBatch
from perennial.sources.parsing import parse
from perennial.sources.paths import suffix_of
from perennial.sources.read_options import PLAIN
from perennial.sources.typed_column import read_as
from perennial.sources.written import written
from perennial.usecase.columns import column_types, read_options

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.sources.parsing import Parsed
    from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class Keys:
    """Keys as texts in one spelling, each with a value for every key column of the declaration."""

    declaration: Declaration
    wanted: frozenset[tuple[str | None, ...]]

    def among(self, table: pa.Table) -> pa.BooleanArray:
        """Which rows of a table of typed columns have one of the keys, shape (n,)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = [_spelled(table[name]) for name in self.declaration.schema_.key]
        possible = pc.is_in(columns[0], value_set=pa.array({key[0] for key in self.wanted}, pa.string()))
        places = pc.indices_nonzero(possible).cast(pa.int64())
        of_places = zip(*(column.take(places).to_pylist() for column in columns), strict=True)
        places_of_keys = [place for place, key in zip(places.to_pylist(), of_places, strict=True) if key in self.wanted]
        return pc.is_in(pa.array(range(table.num_rows), pa.int64()), value_set=pa.array(places_of_keys, pa.int64()))

    def among_parsed(self, parsed: Parsed) -> pa.BooleanArray:
        """The same for a batch as it was read from its bytes; a key that is not readable counts as it stands there."""
        import pyarrow as pa
        import pyarrow.compute as pc

        types = column_types(self.declaration)
        typed = {name: arrow_column(parsed.frame[name], types[name]) for name in self._key}
        which = self.among(pa.table(typed))
        if not any(name in parsed.unreadable for name in self._key):
            return which
        texts = {name: _spelled(column) for name, column in typed.items()}
        for name in self._key:
            if name in parsed.unreadable:
                bad = pa.array(parsed.unreadable[name], pa.string(), from_pandas=True)
                texts[name] = pc.coalesce(bad, texts[name])
        return pc.or_(which, self.among(pa.table(texts)))

    def among_texts(self, rows: Sequence[dict[str, Any]]) -> pa.BooleanArray:
        """The same for rows whose values are texts, by column; a key that cannot be read counts as it stands there."""
        import pandas as pd
        import pyarrow as pa
        import pyarrow.compute as pc

        types, schema, read = column_types(self.declaration), self.declaration.schema_, read_options(self.declaration)
        typed = {}
        plain = {}
        for name in self._key:
            texts = [None if (value := row.get(name)) is None else str(value) for row in rows]
            values, _ = read_as(
                pa.array(texts, pa.string()), types[name], schema.timezone, written(name, read, schema.decimal)
            )
            typed[name] = arrow_column(pd.Series(values), types[name])
            plain[name] = pa.array(texts, pa.string())
        return pc.or_(self.among(pa.table(typed)), self.among(pa.table(plain)))

    @property
    def _key(self) -> tuple[str, ...]:
        return self.declaration.schema_.key


def _spelled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typed values as texts in one spelling."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def keys_of(declaration: Declaration, given: Sequence[str], file: Path | None) -> Keys:
    """The keys that were given one by one, and those in a file with the key columns.

    given: of a use case with several key columns each is a line of CSV with their values, in the declared order.
    Raises InputError if there is none, or for one that is not a value of the key's type.
    """
    columns = list(declaration.schema_.key)
    tables = []
    if given:
        lines = [[text] if len(columns) == 1 else next(csv.reader([text]), []) for text in given]
        for text, values in zip(given, lines, strict=True):
            if len(values) != len(columns) or not all(value.strip() for value in values):
                raise InputError(
                    f"has {len(values)} values, and the key {len(columns)}",
                    field="key",
                    value=text,
                    code="erase-key",
                    fix=f"Write the values of {', '.join(columns)}, separated by commas.",
                )
        body = io.StringIO()
        csv.writer(body, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([columns, *lines])
        tables.append(("key", _typed(declaration, "key", body.getvalue().encode(), ".csv")))
    if file is not None:
        try:
            data, suffix = file.read_bytes(), suffix_of(file)
        except OSError as problem:
            raise InputError(
                f"{file} cannot be read: {(problem.strerror or str(problem)).lower()}",
                field="keys-file",
                value=str(file),
                code="erase-key",
                fix=_needed(declaration),
            ) from problem
        tables.append(("keys-file", _typed(declaration, "keys-file", data, suffix)))
    wanted = frozenset(key for _, table in tables for key in _rows(table))
    if not wanted:
        raise InputError(
            "no key is given", field="key", code="erase-key", fix=f"Give at least one value of {', '.join(columns)}."
        )
    return Keys(declaration, wanted)


def _typed(declaration: Declaration, field: str, data: bytes, suffix: Any) -> pa.Table:
    """The key columns of a file. Raises InputError for one that is absent, or a row without a readable key."""
    import pyarrow as pa

    schema = declaration.schema_
    types = {name: column_types(declaration)[name] for name in schema.key}
    try:
        parsed = parse(data, suffix, types, schema.timezone, None, schema.decimal, read=PLAIN)
    except UnreadableBatch as problem:
        raise InputError(f"{problem}", field=field, code="erase-key", fix=_needed(declaration)) from problem
    if parsed.missing:
        raise InputError(
            f"has no column {', '.join(map(repr, parsed.missing))}",
            field=field,
            code="erase-key",
            fix=_needed(declaration),
        )
    unread = parsed.frame.isna().any(axis=1)
    if unread.any():
        row = int(unread.idxmax()) + 1
        kinds = ", ".join(f"{name} ({kind})" for name, kind in types.items())
        raise InputError(
            f"row {row} has no key that can be read", field=field, code="erase-key", fix=f"The key is {kinds}."
        )
    return pa.table({name: arrow_column(parsed.frame[name], types[name]) for name in schema.key})


def _needed(declaration: Declaration) -> str:
    return (
        f"Name a CSV or Parquet file with the key columns ({', '.join(declaration.schema_.key)}); others are not read."
    )


def _rows(table: pa.Table) -> list[tuple[str | None, ...]]:
    return list(zip(*(_spelled(column).to_pylist() for column in table.columns), strict=True))
