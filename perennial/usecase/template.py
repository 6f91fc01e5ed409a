"""A template: one declaration with a `for_each`, which declares a use case for each of its members."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_fleet import FleetRules
from perennial.usecase.document import Document, Place, read_document
from perennial.usecase.members import Member, file_of_members, members_of
from perennial.usecase.mistakes import DeclarationError, Mistake, hint
from perennial.usecase.rules_of_fleet import fleet_rules
from perennial.usecase.shape import declared_fleet

OF_TEMPLATES = ("for_each", "members", "fleet")
"""The fields that only a template has; its members are declared by the others."""
_PLACEHOLDER = re.compile(r"(?<!\\[pPN])\{([A-Za-z_]\w*)\}")
_COMPUTED = {"name", "code", "built_in"}
_FIELDS = frozenset(each.alias or name for name, each in Declaration.model_fields.items()) - _COMPUTED

Stamp = tuple[int, int, int]
"""Of a file, by which a change of its content shows."""


@dataclass(frozen=True)
class Template:
    """A file with a `for_each`.

    members: by the name of their use case. mistakes: those in the fields that only a template has, and in its YAML.
    fleet: what holds for the members together.
    """

    path: Path
    document: Document
    members: Mapping[str, Member]
    mistakes: tuple[Mistake, ...]
    fleet: FleetRules

    @property
    def name(self) -> str:
        """The name of the file, with which the names of its members begin."""
        return self.path.stem

    def document_of(self, name: str) -> Document:
        """The declaration of a member as if it had been written by hand, with the lines of the template.

        Raises KeyError if there is no such member.
        """
        member = self.members[name]
        base = {key: value for key, value in self.document.value.items() if key not in OF_TEMPLATES}
        value = _filled({**base, "name": name}, member.texts)
        if member.tags:
            value["tags"] = {**member.tags, **(value.get("tags") or {})}
        lines, names, files = dict(self.document.lines), {}, {}
        for each in member.overrides:
            _put(value, each.place, _filled(each.value, member.texts))
            for end, line in enumerate(each.named, 1):
                place = each.place[:end]
                if place == each.place or not isinstance(self.document.at(*place), dict):
                    lines[place], names[place], files[place] = line, line, each.file
            lines[each.place] = each.line
        document = replace(self.document, value=value, lines=lines, names=names, files=files, mistakes=[])
        document.mistakes.extend(_unfilled(document, name, member))
        document.mistakes.extend(fleet_rules(document, self.fleet))
        return document


def stamp(path: Path) -> Stamp | None:
    """The stamp of a file, None if there is none."""
    try:
        written = path.stat()
    except OSError:
        return None
    return written.st_mtime_ns, written.st_size, written.st_ino


def template_at(path: Path, shown: str) -> Template | None:
    """The template in a file; None if the file is an ordinary declaration, or not readable as one.

    It is read again only if it, or the file with its members, has changed.
    """
    own = stamp(path)
    listing = _listing(path, shown, own) if own else None
    return None if listing is None or own is None else _read(path, shown, own, stamp(listing))


@lru_cache(maxsize=1024)
def _listing(path: Path, shown: str, own: Stamp) -> Path | None:
    """The file with the members of a template, which is itself if it lists them; None for another declaration."""
    document = _document(path, shown)
    return None if document is None else file_of_members(document, path) or path


@lru_cache(maxsize=64)
def _read(path: Path, shown: str, own: Stamp, listing: Stamp | None) -> Template | None:
    document = _document(path, shown)
    if document is None:
        return None
    members, mistakes = members_of(document, path, _FIELDS)
    known = {name for each in members for name in each.texts}
    fleet, misshapen = declared_fleet(document)
    mistakes += [
        *misshapen,
        *_name(document, path),
        *(_unknown_placeholders(document, known) if known else ()),
        *document.mistakes,
    ]
    return Template(path.resolve(), document, {each.name: each for each in members}, tuple(mistakes), fleet)


def _document(path: Path, shown: str) -> Document | None:
    """The content of a template; None for any other file, whose mistakes are reported when it is read itself."""
    try:
        if b"for_each" not in path.read_bytes():
            return None
        document = read_document(path, shown)
    except (OSError, DeclarationError):
        return None
    return document if "for_each" in document.value else None


def _name(document: Document, path: Path) -> Iterator[Mistake]:
    if document.value.get("name", path.stem) != path.stem:
        fix = f"write `name: {path.stem}`: the names of its members begin with it"
        yield document.mistake(("name",), "differs from the name of the file", fix, code="declaration-name-differs")


def _unknown_placeholders(document: Document, known: set[str]) -> Iterator[Mistake]:
    for place, text in _texts(document.value, ()):
        for name in _PLACEHOLDER.findall(text):
            if name not in known:
                fix = hint(name, known, "placeholders")
                yield document.mistake(place, f"unknown placeholder {{{name}}}", fix, code="template-placeholder")


def _unfilled(document: Document, name: str, member: Member) -> Iterator[Mistake]:
    """Placeholders for which this member has no text, because its cell in the list is empty."""
    for place, text in _texts(document.value, ()):
        for left in _PLACEHOLDER.findall(text):
            if left not in member.texts:
                message, fix = f"{{{left}}} is empty for {name}", f"fill in the column {left!r} of its row"
                yield document.mistake(place, message, fix, code="template-placeholder")


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(inner, (*place, step))


def _filled(value: Any, texts: Mapping[str, str]) -> Any:
    """A copy of a value with the placeholders in its texts filled in."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: texts.get(match[1], match[0]), value) if "{" in value else value
    if isinstance(value, dict):
        return {key: _filled(inner, texts) for key, inner in value.items()}
    return [_filled(inner, texts) for inner in value] if isinstance(value, list) else value


def _put(value: Any, place: Place, new: Any) -> None:
    """Set what stands at a place; mappings on the way are made where there are none."""
    for step in place[:-1]:
        if not isinstance(value.get(step), dict):
            value[step] = {}
        value = value[step]
    value[place[-1]] = new
