"""The members of a template: one for each value of its `for_each`, with tags and overrides."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perennial.usecase.document import Document, Place, value_in, written
from perennial.usecase.mistakes import DeclarationError, Mistake, hint, listed

_HEADER = 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Override:
    """A value that replaces, for one member, what the template has at a place.

    file, line: where it is written. named: the line of the name of each step of the place, which of a CSV file is the
    header's.
    """

    place: Place
    value: Any
    file: str
    line: int
    named: tuple[int, ...]


@dataclass(frozen=True)
class Member:
    """One use case of a template.

    name: of the use case. key: its value of `for_each`, as written. texts: placeholder → text.
    """

    name: str
    key: str
    texts: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()


def members_of(document: Document, path: Path, fields: frozenset[str]) -> tuple[list[Member], list[Mistake]]:
    """The members that a template at `path` declares, in the order written, and the mistakes in how it does.

    fields: the top-level fields of a declaration; a column of a CSV file with such a name, or with a dot, overrides.
    """
    try:
        members = list(_members(document, path, fields))
    except DeclarationError as error:
        return [], list(error.mistakes)
    members = _with_overrides(document, members)
    mistakes = [*_clashes(document, members, path), *_strangers(document, members), *_scheduled(members)]
    return members, mistakes


def file_of_members(document: Document, path: Path) -> Path | None:
    """The CSV file that lists the members; None if they are listed in the template itself."""
    values = list(document.mapping("for_each").values())
    return path.parent / values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _members(document: Document, path: Path, fields: frozenset[str]) -> Iterator[Member]:
    each = document.mapping("for_each")
    if len(each) != 1:
        raise _refused(document, ("for_each",), "should have exactly one field", "write {store: stores.csv}")
    ((column, values),) = each.items()
    place: Place = ("for_each", column)
    if not isinstance(column, str) or not re.fullmatch(r"[A-Za-z_]\w*", column):
        raise _refused(document, place, "is not a valid placeholder", "use letters, digits and _")
    if isinstance(values, str):
        yield from _from_file(document, path, column, values, fields)
        return
    if not isinstance(values, list) or not values:
        what = "lists no members" if values in ([], None) else f"should be a list or the name of a file, is {values!r}"
        fix = "write a list of values, such as [north, south], or the name of a CSV file beside the declaration"
        raise _refused(document, place, what, fix)
    for number, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _refused(document, (*place, number), "is neither text nor a whole number", "write it in quotes")
        yield Member(_name(path.stem, str(value)), str(value), {column: str(value)})


def _from_file(document: Document, path: Path, column: str, name: str, fields: frozenset[str]) -> Iterator[Member]:
    """A member for each row of a CSV file beside the template."""
    shown = (Path(document.file).parent / name).as_posix()
    try:
        lines = (path.parent / name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "cannot be read").lower() if isinstance(error, OSError) else "is not UTF-8"
        fix = "write the name of a CSV file beside the declaration, or a list of values"
        raise _refused(document, ("for_each", column), f"'{name}': {reason}", fix) from None
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        _refuse_header(shown, header, column)
        for cells in reader:
            if cells:
                yield _member(path.stem, shown, reader.line_num, header, cells, column, fields)
    except csv.Error as error:
        raise _in_file(shown, reader.line_num, "", None, f"not CSV: {error}", "quote each text with a comma") from None
    if reader.line_num <= 1:
        raise _in_file(shown, _HEADER, column, None, "has no rows", "write one row for each member")


def _refuse_header(shown: str, header: list[str], column: str) -> None:
    if column not in header:
        raise _in_file(shown, _HEADER, column, None, "the file has no such column", hint(column, header, "columns"))
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise _in_file(shown, _HEADER, twice[0], None, "the file has this column twice", "remove one of the two")


def _member(
    template: str, shown: str, line: int, header: list[str], cells: list[str], column: str, fields: frozenset[str]
) -> Member:
    if len(cells) != len(header):
        message = f"has {len(cells)} cells, and the file has {len(header)} columns"
        raise _in_file(shown, line, "", None, message, "write one cell for each column")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    key = row.pop(column)
    if not key:
        raise _in_file(shown, line, column, key, "is empty", "write the value of each member")
    overriding = {name for name in row if "." in name or name in fields}
    tags = {name: cell for name, cell in row.items() if name not in overriding and cell}
    places = {name: tuple(name.split(".")) for name in header if name in overriding and row[name]}
    overrides = tuple(
        Override(place, value_in(row[name], shown), shown, line, (_HEADER,) * len(place))
        for name, place in places.items()
    )
    return Member(_name(template, key), key, {column: key, **tags}, tags, overrides)


def _name(template: str, value: str) -> str:
    """The name of a member: `sales` and `New York` are `sales_new_york`."""
    return f"{template}_{re.sub(r'[^a-z0-9]+', '_', value.lower()).strip('_')}"


def _with_overrides(document: Document, members: list[Member]) -> list[Member]:
    """The members with what `members:` of the template overrides for each."""
    mine: dict[str, tuple[Override, ...]] = {
        str(key): tuple(_leaves(document, ("members", key), ("members", key))) for key in document.mapping("members")
    }
    return [
        Member(each.name, each.key, each.texts, each.tags, (*each.overrides, *mine.get(each.key, ())))
        for each in members
    ]


def _leaves(document: Document, place: Place, start: Place) -> Iterator[Override]:
    """What stands below a place: mappings are merged field by field, everything else replaces."""
    value = document.at(*place)
    if isinstance(value, dict) and value:
        for name in value:
            yield from _leaves(document, (*place, name), start)
    else:
        named = tuple(document.line(place[:end]) for end in range(len(start) + 1, len(place) + 1))
        yield Override(place[len(start) :], value, document.file, document.line(place), named)


def _clashes(document: Document, members: list[Member], path: Path) -> Iterator[Mistake]:
    """Members without a valid name, or with one that another member or a file has."""
    first: dict[str, Member] = {}
    place: Place = ("for_each", *document.mapping("for_each"))
    for each in members:
        if not _NAME.fullmatch(each.name) or each.name.endswith("_"):
            yield _mistake(
                document,
                place,
                f"the member {each.key!r} would have the name {each.name!r}, which is not valid",
                "use values whose letters and digits give a name of at most 63 characters",
            )
        elif each.name in first:
            other = first[each.name].key
            what = (
                f"the member {each.key!r} is listed twice"
                if other == each.key
                else f"the members {other!r} and {each.key!r} would both be named {each.name}"
            )
            yield _mistake(document, place, what, "remove or rename one of the two")
        elif path.with_stem(each.name).is_file():
            other_file = path.with_stem(each.name).name
            fix = "remove one of the two; a use case has one declaration"
            yield _mistake(document, place, f"the member {each.key!r} is declared by {other_file} too", fix)
        first.setdefault(each.name, each)


def _strangers(document: Document, members: list[Member]) -> Iterator[Mistake]:
    """Overrides for members that do not exist, or that are not mappings."""
    keys = [each.key for each in members]
    for key, value in document.mapping("members").items():
        if str(key) not in keys:
            fix = f"The members are {listed(keys)}. Write a value with leading zeros in quotes"
            yield _mistake(document, ("members", key), "is not a member", fix)
        elif not isinstance(value, dict) or not value:
            yield _mistake(document, ("members", key), "overrides nothing", "write {evaluation: {primary: …}}")


def _scheduled(members: list[Member]) -> Iterator[Mistake]:
    """Overrides of the schedule, on which all members run together."""
    for each in members:
        for override in each.overrides:
            if override.place[:1] == ("triggers",) and override.place[1:2] in ((), ("schedule",), ("timezone",)):
                yield Mistake(
                    *(override.file, override.line, written(override.place), override.value),
                    f"the member {each.key!r} cannot have another schedule, since all members run together",
                    "remove it, or declare this use case in a file with its name",
                    code="template-members",
                )


def _mistake(document: Document, place: Place, message: str, fix: str) -> Mistake:
    return document.mistake(place, message, fix, code="template-members")


def _refused(document: Document, place: Place, message: str, fix: str) -> DeclarationError:
    return DeclarationError([_mistake(document, place, message, fix)])


def _in_file(shown: str, line: int, field: str, value: str | None, message: str, fix: str) -> DeclarationError:
    return DeclarationError([Mistake(shown, line, field, value, message, fix, code="template-members")])
