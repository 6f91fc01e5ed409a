"""Declared columns of which a batch has no usable value: the declaration probably names another column's role.

And a target that has other values besides the declared ones: the declaration probably lacks a class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.evaluation.figures import counted
from perennial.intake.limits import AT_LEAST
from perennial.sources.parsing import Parsed
from perennial.sources.plain_text import as_in_file
from perennial.usecase.columns import column_types, no_such_value, target_values
from perennial.usecase.declaration import Declaration
from perennial.usecase.mistakes import listed

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.column_type import ColumnType

_KINDS: dict[ColumnType, str] = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "timestamp": "a time",
    "text": "text",
}
_HOW_WRITTEN: dict[ColumnType, str] = {
    "number": "for numbers written another way, see source.read and schema.decimal",
    "integer": "for numbers written another way, see source.read and schema.decimal",
    "timestamp": "for times written another way, see day_first, short_years and epochs of source.read",
}


def unusable_columns(declaration: Declaration, batch: Parsed) -> Iterator[tuple[str, str, str]]:
    """The name of each column without a usable value, what is wrong with its values, and how to fix it.

    Columns without any value do not count, nor those with fewer values than it takes to hold a batch.
    """
    for name, kind in column_types(declaration).items():
        if name not in batch.frame:
            continue
        unreadable, reason, fix = _wrong(declaration, batch, name, kind)
        values = batch.frame[name]
        there = int(values.notna().sum()) + int(batch.unreadable[name].notna().sum() if name in batch.unreadable else 0)
        if there >= AT_LEAST and len(unreadable) == there:
            first = unreadable.drop_duplicates().head(3).tolist()
            shown = ", ".join(map(repr, first))
            yield name, f"none of the {counted(there, 'value', 'values')} is {reason}: {shown}", fix


def _wrong(declaration: Declaration, batch: Parsed, name: str, kind: ColumnType) -> tuple[pd.Series, str, str]:
    """The values of a column that cannot be used, as they arrived; what they are not; how to fix that."""
    schema, values = declaration.schema_, batch.frame[name]
    texts = batch.unreadable[name].dropna() if name in batch.unreadable else values[:0].astype("str")
    read = values.dropna()
    if name == schema.target and target_values(schema):
        _, other = _values_of_target(declaration, batch)
        fix = "name its two values as schema.positive and schema.negative, or name another column"
        fix = fix if schema.task == "binary" else "list its values under schema.classes, or name another column"
        return other, f"usable ({no_such_value(schema)})", fix
    if name == schema.weight and not len(texts):
        texts = as_in_file(batch, name)[read.index[~(read > 0)]]
        return texts, "above 0, as a weight must be", "name a column of positive numbers"
    is_feature = name in declaration.features.numeric
    fix = (
        "list it under features.categorical" if is_feature else f"name a column in which every value is {_KINDS[kind]}"
    )
    how = _HOW_WRITTEN.get(kind)
    return texts, _KINDS[kind], f"{fix}; {how}" if how else fix


@dataclass(frozen=True)
class OtherValues:
    """Values of a target besides the declared ones.

    words: what they are, each with in how many rows. fix: how to fix that. is_held: whether a batch with them is held.
    """

    words: str
    fix: str
    is_held: bool


def other_values(declaration: Declaration, batch: Parsed) -> OtherValues | None:
    """The values of the target that are not declared, if only some of its values are others."""
    schema, limits = declaration.schema_, declaration.set_aside
    if schema.target not in batch.frame or not target_values(schema):
        return None
    there, other = _values_of_target(declaration, batch)
    if not len(other) or (len(other) == there and there >= AT_LEAST):
        return None  # none is another one, or all are: see `unusable_columns`
    counts = other.value_counts()
    each = listed([f"{value!r} ({rows:,})" for value, rows in counts.items()])
    are = "is" if len(other) == 1 else "are"
    fix = "add it to schema.classes" if len(counts) == 1 else "add them to schema.classes"
    if schema.task == "binary":
        fix = "name the two values of the target as schema.positive and schema.negative"
    return OtherValues(
        f"{len(other):,} of the {counted(there, 'value', 'values')} {are} {no_such_value(schema)}: {each}",
        f"{fix}, or correct the source",
        len(other) >= AT_LEAST and len(other) > min(limits.total, limits.per_reason) * len(batch),
    )


def _values_of_target(declaration: Declaration, batch: Parsed) -> tuple[int, pd.Series]:
    """How many values the target has, and those that are none of the declared ones, as the file has them."""
    schema = declaration.schema_
    texts = as_in_file(batch, schema.target).dropna()
    return len(texts), texts[~batch.frame[schema.target].loc[texts.index].isin(target_values(schema))]
