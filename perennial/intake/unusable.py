"""Declared columns of which a batch has no usable value: the declaration probably names another column's role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perennial.evaluation.figures import counted
from perennial.intake.limits import AT_LEAST
from perennial.sources.parsing import Parsed
from perennial.usecase.columns import column_types, no_such_value, target_values
from perennial.usecase.declaration import Declaration

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
    known, read = target_values(schema), values.dropna()
    if name == schema.target and known:
        import pandas as pd

        other = pd.concat([texts, read[~read.isin(known)].astype("str")])
        fix = "name its two values as schema.positive and schema.negative, or name another column"
        fix = fix if schema.task == "binary" else "list its values under schema.classes, or name another column"
        return other, f"usable ({no_such_value(schema)})", fix
    if name == schema.weight and not len(texts):
        return read[~(read > 0)].astype("str"), "above 0, as a weight must be", "name a column of positive numbers"
    is_feature = name in declaration.features.numeric
    fix = (
        "list it under features.categorical" if is_feature else f"name a column in which every value is {_KINDS[kind]}"
    )
    how = _HOW_WRITTEN.get(kind)
    return texts, _KINDS[kind], f"{fix}; {how}" if how else fix
