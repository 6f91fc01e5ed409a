"""The columns of a declaration, and the mistake for one that it does not have."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.our_columns import PREFIX, is_ours
from perennial.usecase.built_in import built_in
from perennial.usecase.document import Document, Place, written
from perennial.usecase.mistakes import Mistake, closest


def roles(document: Document) -> list[tuple[str, Place, str]]:
    """Every column that the declaration names, with its place and role, in order of precedence of the roles."""
    single: list[tuple[Place, str]] = [
        (("schema", "time"), "time"),
        (("schema", "target"), "target"),
        (("schema", "label_known_at"), "label_known_at"),
        (("schema", "weight"), "weight"),
    ]
    texts = [(document.text(*place), place, role) for place, role in single]
    named = [(name, place, role) for name, place, role in texts if name is not None]
    named += [(name, place, "key") for place, name in document.texts("schema", "key")]
    for role in ("never", "numeric", "categorical"):
        named += [(name, place, role) for place, name in document.texts("features", role)]
    return named


def known_columns(document: Document) -> set[str]:
    """Every column that the declaration names, with or without a role."""
    typed = {name for name in document.mapping("schema", "types") if isinstance(name, str)}
    return {name for name, _, _ in roles(document)} | typed | {name for name, _ in read_by_built_in(document)}


def read_by_built_in(document: Document) -> list[tuple[str, Place]]:
    """The columns that built-in derived features read, each with the place of the feature."""
    read = [(built_in(spec), place) for place, spec in document.texts("features", "derived")]
    return [(known[1], place) for known, place in read if known is not None]


def built_in_rules(document: Document) -> Iterator[Mistake]:
    """Built-in derived features read columns of times, and none that is known only after the event."""
    known_as = {name: (place, role) for name, place, role in reversed(roles(document))}
    types = document.mapping("schema", "types")
    for place, spec in document.texts("features", "derived"):
        if (known := built_in(spec)) is None:
            continue
        feature, column = known
        where, role = known_as.get(column, (("schema", "types"), ""))
        message, fix = "", f"name a column of times, for example {feature}:at"
        if not column.strip():
            message = f"'{spec}' names no column"
        elif role == "time":
            message = f"'{spec}' is 0 in every row: '{column}' is the event's time itself" * (feature == "days_since")
        elif role in ("target", "never", "label_known_at"):
            message = f"'{spec}' reads '{column}', which is known only after the event (line {document.line(where)})"
        elif role in ("numeric", "categorical"):
            message = f"'{spec}' reads '{column}', which is {written(where)} (line {document.line(where)}), not a time"
            fix = f"remove '{column}' there, where it holds times"
        elif types.get(column, "text" if role == "key" else "timestamp") != "timestamp":
            message = f"'{spec}' reads '{column}', which is {types.get(column, 'text')}, not a time"
            fix = f"write `{column}: timestamp` under schema.types, where it holds times"
        if message:
            yield document.mistake(place, message, fix, code="built-in-feature-column")


def names_tables_refuse(document: Document) -> Iterator[Mistake]:
    """Columns with names reserved for Perennial, and columns that differ from another only in upper and lower case.

    Delta Lake refuses two such columns in one table, and SQL does not distinguish them.
    """
    typed = [(name, ("schema", "types", name)) for name in document.mapping("schema", "types") if isinstance(name, str)]
    first: dict[str, tuple[str, Place]] = {}
    for name, place in [*((name, place) for name, place, _ in roles(document)), *read_by_built_in(document), *typed]:
        other, where = first.setdefault(name.casefold(), (name, place))
        if is_ours(name):
            message = f"'{name}' begins with '{PREFIX}', which is reserved for Perennial"
            yield document.mistake(place, message, "rename it at its source", code="column-reserved-name")
        elif other != name:
            message = f"'{name}' differs only in upper and lower case from '{other}' (line {document.line(where)})"
            yield document.mistake(
                place, f"{message}; a table cannot hold both", "rename one at its source", code="column-differs-by-case"
            )


def no_column(document: Document, place: Place, name: str, columns: set[str]) -> Mistake:
    """The mistake of naming a column that the declaration does not have, with the one likely meant."""
    near = closest(name, columns)
    fix = (f"did you mean '{near}'? " if near else "") + "Declare a column that is not a feature under schema.types"
    return document.mistake(place, f"no column '{name}' in this declaration", fix, code="column-unknown")


def check_columns(document: Document, place: Place, columns: set[str]) -> Iterator[Mistake]:
    """The columns in an argument, one or a list, must be columns of the declaration."""
    single = document.text(*place)
    for where, name in [(place, single)] if single is not None else document.texts(*place):
        if name not in columns:
            yield no_column(document, where, name, columns)
