"""The columns of a use case's table and their types, from its declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perennial.sources.read_options import PLAIN, ReadOptions
from perennial.usecase.built_in import columns_read

if TYPE_CHECKING:
    from perennial.sources.column_type import ColumnType
    from perennial.usecase.declaration import Declaration
    from perennial.usecase.declared_schema import Schema


def column_types(declaration: Declaration) -> dict[str, ColumnType]:
    """Every column of the declaration and its type, in the order key, time, target, features, the rest.

    Keys and columns under `never` are text unless `schema.types` sets another type. A binary target is a number,
    0 or 1; a target with several classes has their type. The column of a built-in derived feature is a time.
    A column with two roles, such as a time that is also the key, has the stricter type.
    """
    schema, features = declaration.schema_, declaration.features
    types: dict[str, ColumnType] = {}
    for name in schema.key:
        types[name] = "text"
    types[schema.time] = "timestamp"
    types[schema.target] = "text" if any(isinstance(each, str) for each in schema.classes) else "number"
    if schema.label_known_at is not None:
        types[schema.label_known_at] = "timestamp"
    if schema.weight is not None:
        types[schema.weight] = "number"
    for name in features.numeric:
        types[name] = "number"
    for name in features.categorical:
        types[name] = "text"
    for name in features.never:
        types.setdefault(name, "text")
    for name in columns_read(features.derived):
        types.setdefault(name, "timestamp")
    return {**types, **schema.types}


def target_values(schema: Schema) -> list[Any]:
    """Every value that the target may have; empty if it can be any number."""
    return [0, 1] if schema.task == "binary" else list(schema.classes)


def no_such_value(schema: Schema) -> str:
    """The reason for a target that is none of `target_values`."""
    if schema.truths is not None:
        return "neither {!r} nor {!r}".format(*schema.truths)
    return "neither 0 nor 1" if schema.task == "binary" else f"none of {', '.join(map(str, schema.classes))}"


def read_options(declaration: Declaration) -> ReadOptions:
    """How the batches of a use case are written: as its files are, and plainly where they come from elsewhere."""
    read = getattr(declaration.source, "read", None)
    return read if isinstance(read, ReadOptions) else PLAIN


def label_options(declaration: Declaration) -> ReadOptions:
    """How the files of late labels are written: by default as those of the batches."""
    own = declaration.labels.read if declaration.labels is not None else None
    return own if own is not None else read_options(declaration)
