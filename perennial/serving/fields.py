"""The fields of a record to score: which there are, of which type, and which must be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perennial.sources.column_type import ColumnType
from perennial.usecase.built_in import built_in
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class Field:
    """One field. required: it must be in the record, though it may be null. key: it is part of the row's key."""

    name: str
    kind: ColumnType
    required: bool
    key: bool = False


@dataclass(frozen=True)
class Fields:
    """The fields of a use case's records, in the order key, time, features, the rest.

    hidden: declared columns that a record may hold and that no model may see, such as the target. They are ignored.
    """

    fields: tuple[Field, ...]
    hidden: frozenset[str]
    timezone: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)


def fields_of(declaration: Declaration, read: tuple[str, ...] | None = None) -> Fields:
    """The fields of the declaration's records.

    read: the columns that the models' custom derived features read, if that is known (`RowWise.reads`); None takes
    every declared column that they may see. A feature that a batch may lack (`features.missing_column`) is not
    required, and neither are the key and the time where no feature is made from them.
    """
    schema, features = declaration.schema_, declaration.features
    hidden = {*schema.hidden, *features.never}
    types = {name: kind for name, kind in column_types(declaration).items() if name not in hidden}
    custom = any(built_in(spec) is None for spec in features.derived)
    needed = {*features.columns_read, *((types if read is None else read) if custom else ())}
    if any((known := built_in(spec)) and known[0] == "days_since" for spec in features.derived):
        needed.add(schema.time)
    return Fields(
        tuple(
            Field(name, kind, name in needed and not features.goes_on_without(name), name in schema.key)
            for name, kind in types.items()
        ),
        frozenset(hidden),
        schema.timezone,
    )


def kinds(fields: Fields) -> Mapping[str, ColumnType]:
    """Field → type."""
    return {field.name: field.kind for field in fields.fields}
