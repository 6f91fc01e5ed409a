"""The columns that a declaration names, and what is said of one that it does not."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.our_columns import PREFIX, is_ours
from perennial.usecase.document import Document, Place
from perennial.usecase.mistakes import Mistake, closest


def roles(document: Document) -> list[tuple[str, Place, str]]:
    """Every column that the declaration names, with its place and its role, in the order in which a role wins."""
    single: list[tuple[Place, str]] = [
        (("schema", "time"), "time"),
        (("schema", "target"), "target"),
        (("schema", "label_known_at"), "label_known_at"),
    ]
    found = [(document.text(*place), place, role) for place, role in single]
    named = [(name, place, role) for name, place, role in found if name is not None]
    named += [(name, place, "key") for place, name in document.texts("schema", "key")]
    for role in ("never", "numeric", "categorical"):
        named += [(name, place, role) for place, name in document.texts("features", role)]
    return named


def known_columns(document: Document) -> set[str]:
    """Every column that the declaration names, with or without a role."""
    typed = {name for name in document.mapping("schema", "types") if isinstance(name, str)}
    return {name for name, _, _ in roles(document)} | typed


def names_tables_refuse(document: Document) -> Iterator[Mistake]:
    """Columns whose name Perennial keeps for its own, and those that differ from another by capitals only.

    Delta Lake refuses two columns of one table that differ only so, and SQL does not tell them apart.
    """
    typed = [(name, ("schema", "types", name)) for name in document.mapping("schema", "types") if isinstance(name, str)]
    first: dict[str, tuple[str, Place]] = {}
    for name, place in [*((name, place) for name, place, _ in roles(document)), *typed]:
        other, where = first.setdefault(name.casefold(), (name, place))
        if is_ours(name):
            told = f"'{name}' begins with '{PREFIX}', which is kept for Perennial's own columns"
            yield document.mistake(place, told, "rename it at its source", code="column-reserved-name")
        elif other != name:
            told = f"'{name}' differs only by capitals from '{other}' (line {document.line(where)})"
            yield document.mistake(
                place, f"{told}, and no table holds both", "rename one at its source", code="column-differs-by-case"
            )


def no_column(document: Document, place: Place, name: str, columns: set[str]) -> Mistake:
    """That a place names a column which the declaration does not have, with what may be meant."""
    near = closest(name, columns)
    fix = (f"did you mean '{near}'? " if near else "") + "A column that is no feature is declared under schema.types"
    return document.mistake(place, f"no column '{name}' in this declaration", fix, code="column-unknown")


def check_columns(document: Document, place: Place, columns: set[str]) -> Iterator[Mistake]:
    """The columns that an argument names, one or a list, are columns of the declaration."""
    single = document.text(*place)
    for where, name in [(place, single)] if single is not None else document.texts(*place):
        if name not in columns:
            yield no_column(document, where, name, columns)
