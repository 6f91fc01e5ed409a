"""A YAML file as values with the line of each, so that mistakes can point to their place.

Values follow YAML 1.2, as in editors: only `true` and `false` are booleans (the country code NO stays text), 1e-3 is a
number, and a date stays text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.yaml_words import yaml_words

Place = tuple[str | int, ...]
"""The position of a value: keys and list indices from the top."""

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, tuple[str, str]] = {
    "null": (r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "int": (r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    "float": (
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        "-+.0123456789",
    ),
    "merge": (r"^(?:<<)$", "<"),
}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 — PyYAML's own name, filled below


for _name, (_pattern, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), ["" if c == "\0" else c for c in _first])


@dataclass
class Document:
    """The values of a file, the line of each (from 1), and the mistakes in the YAML itself.

    files: the file of each value that was written in another one, with its line there. names: the line of its name
    there, which of a table is the header's.
    """

    file: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    files: dict[Place, str] = field(default_factory=dict)
    names: dict[Place, int] = field(default_factory=dict)

    def at(self, *place: str | int) -> Any:
        """The value at a place, None if there is none."""
        value: Any = self.value
        for step in place:
            try:
                value = None if isinstance(value, str) else value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def mapping(self, *place: str | int) -> dict[Any, Any]:
        """The mapping at a place, empty if there is none."""
        value = self.at(*place)
        return value if isinstance(value, dict) else {}

    def text(self, *place: str | int) -> str | None:
        """The text at a place, None if there is none."""
        value = self.at(*place)
        return value if isinstance(value, str) else None

    def texts(self, *place: str | int) -> list[tuple[Place, str]]:
        """The texts of the list at a place, each with its own place."""
        value = self.at(*place)
        items = enumerate(value) if isinstance(value, list) else ()
        return [((*place, i), item) for i, item in items if isinstance(item, str)]

    def is_empty(self, place: Place) -> bool:
        """Whether a field is there, and nothing is written in it."""
        return place in self.lines and self.at(*place) is None

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest enclosing one that exists."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def mistake(self, place: Place, message: str, fix: str = "", *, code: str, in_name: bool = False) -> Mistake:
        """A mistake at a place, with the value there. in_name: whether the name of the field is what is wrong."""
        known = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in self.lines), ())
        line = self.names.get(place, self.line(place)) if in_name else self.line(place)
        file = self.files.get(known, self.file)
        return Mistake(file, line, written(place), self.at(*place), message, fix, code=code)


def value_in(text: str, shown: str) -> Any:
    """The value of a text as YAML reads it: `3` is a number, `[a, b]` a list. A text that is not YAML stays text.

    >>> value_in("0.05", "stores.csv"), value_in("a: b: c", "stores.csv")
    (0.05, 'a: b: c')
    """
    try:
        node = _composed(text, shown)
    except DeclarationError:
        return text
    return None if node is None else _Builder(Document(shown)).value(node, (), ())


def written(place: Place) -> str:
    """A place as people write it.

    >>> written(("checks", 2, "severity"))
    'checks[2].severity'
    """
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in place]
    return "".join(steps).removeprefix(".")


def read_document(path: Path, shown: str) -> Document:
    """The values of a YAML file and their lines. `shown` is the name of the file in mistakes.

    Raises DeclarationError if the file cannot be used: unreadable, not UTF-8, not YAML, not a mapping.
    Mistakes that leave the rest readable, such as a key given twice, are kept in the document.
    """
    node = _composed(_decoded(path, shown), shown)
    if not isinstance(node, yaml.MappingNode):
        what = "is empty" if node is None else "is not a mapping of fields to values"
        raise DeclarationError(
            [
                Mistake(
                    *(shown, None, "", None, what, "begin with `name: …`, or let one be drafted from data"),
                    code="declaration-empty",
                )
            ]
        )
    document = Document(shown)
    document.value = _Builder(document).value(node, (), ())
    return document


def _decoded(path: Path, shown: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        message = f"cannot be read: {reason}"
        raise DeclarationError([Mistake(shown, None, "", None, message, code="declaration-unreadable")]) from problem
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        byte = data[problem.start : problem.start + 1]
        message, fix = f"is not UTF-8: byte {byte!r}", "save the file as UTF-8"
        mistake = Mistake(shown, line, "", None, message, fix, code="declaration-not-utf8")
        raise DeclarationError([mistake]) from None


def _composed(text: str, shown: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f" (column {mark.column + 1})" if mark else ""
        message = " ".join(part for part in (problem.context, problem.problem) if part)
        fix = "indent with spaces, not tabs" if "'\\t'" in message else "look at this line and those before it"
        line = mark.line + 1 if mark else None
        mistake = Mistake(
            shown, line, "", None, f"not YAML: {yaml_words(message)}{where}", fix, code="declaration-not-yaml"
        )
        raise DeclarationError([mistake]) from None
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        message = f"not YAML: the character {chr(int(problem.character))!r} is not allowed"
        mistake = Mistake(shown, line, "", None, message, "remove it", code="declaration-not-yaml")
        raise DeclarationError([mistake]) from None
    return node


class _Builder:
    """Builds values from nodes and records lines and mistakes in the document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.merging = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, place: Place, around: tuple[int, ...]) -> Any:
        """The value of a node. around: the enclosing nodes, to detect one that contains itself."""
        self.document.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in around:
            return self._wrong(place, "refers to itself", "write the values out", "declaration-self-reference")
        within = (*around, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place, within)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, i), within) for i, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place, within: tuple[int, ...]) -> dict[Any, Any]:
        self._given_twice(node, place)
        try:
            self.merging.flatten_mapping(node)
        except yaml.constructor.ConstructorError as problem:
            self._wrong(place, f"not YAML: {problem.problem}", "write the values out", "declaration-not-yaml")
            return {}
        values: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(place, "a field's name is a list or a mapping", "use plain text", "declaration-field-name")
                continue
            key = self._scalar(key_node, place)
            if key is None:
                self._wrong(place, "a field has no name", "write `name: value`", "declaration-field-name")
                continue
            self.document.lines[(*place, key)] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*place, key), within)
        return values

    def _given_twice(self, node: yaml.MappingNode, place: Place) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _TAG + "merge":
                continue
            line = key.start_mark.line + 1
            if key.value in first:
                message = f"is given twice, first on line {first[key.value]}"
                field = written((*place, key.value))
                self.document.mistakes.append(
                    Mistake(
                        *(self.document.file, line, field, key.value, message, "remove one of the two"),
                        code="declaration-field-twice",
                    )
                )
            first.setdefault(key.value, line)

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        text, tag = node.value, node.tag.removeprefix(_TAG)
        if tag in ("str", "merge"):
            return text
        if tag == "null":
            return None
        try:
            if tag == "bool":
                return {"true": True, "false": False}[text.lower()]
            if tag == "int":
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if tag == "float":
                return self._finite(text, place)
        except (KeyError, ValueError):
            return self._wrong(place, f"{text!r} is not a {tag}", "omit the tag", "declaration-tag")
        return self._wrong(place, f"unknown tag {node.tag}", "omit the tag", "declaration-tag")

    def _finite(self, text: str, place: Place) -> float | None:
        words = {".inf": "inf", ".nan": "nan"}
        sign, word = (text[0], text[1:]) if text[0] in "+-" else ("", text)
        number = float(sign + words.get(word.lower(), word))
        if math.isfinite(number):
            return number
        self._wrong(place, f"{text} is not a finite number", "give a number, or omit it", "declaration-not-finite")
        return None

    def _wrong(self, place: Place, message: str, fix: str, code: str) -> None:
        self.document.mistakes.append(self.document.mistake(place, message, fix, code=code))
