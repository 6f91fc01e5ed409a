"""Mistakes in a declaration's shape: fields that are unknown, missing or of another type."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from perennial.clock import A_DURATION
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_fleet import FleetRules
from perennial.usecase.declared_source import OUR_KINDS
from perennial.usecase.document import Document, Place
from perennial.usecase.mistakes import Mistake, closest, hint
from perennial.usecase.schema import file_schema, json_schema, other_kinds

_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    type(None): "empty",
}
_DURATION = re.compile(r"\b\d+[mhdwy]\b")
_FILL_IN = "fill it in, or remove the line"
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_BOUND_NAMES = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_BOUNDS = {*_BOUND_NAMES}
_WANTED = {"string": "text", "tuple": "a list", "int": "a whole number", "float": "a number", "bool": "true or false"}


def declared(document: Document) -> tuple[Declaration | None, list[Mistake]]:
    """The declaration, or None and every mistake in the shape of the document."""
    if "code" in document.mapping():  # our own field, computed from the files that the declaration names
        _, mistakes = declared(replace(document, value={k: v for k, v in document.mapping().items() if k != "code"}))
        unknown = _unknown(document, ("code",), None)
        return None, [document.mistake(("code",), *unknown, code="declaration-unknown-field"), *mistakes]
    try:
        return Declaration.model_validate(document.value), []
    except ValidationError as problem:
        return None, _in_words(document, problem, ())


def declared_fleet(document: Document) -> tuple[FleetRules, list[Mistake]]:
    """`fleet` of a template, or its defaults with every mistake in its shape."""
    if "fleet" not in document.mapping():
        return FleetRules(), []
    try:
        return FleetRules.model_validate(document.at("fleet")), []
    except ValidationError as problem:
        return FleetRules(), _in_words(document, problem, ("fleet",))


def _in_words(document: Document, problem: ValidationError, start: Place) -> list[Mistake]:
    """What is wrong with the part of a document that stands at `start`."""
    errors: list[Any] = [{**each, "loc": (*start, *each["loc"])} for each in problem.errors(include_url=False)]
    meant = {_meant(document, _place(document, error["loc"])) for error in errors if error["type"] == "extra_forbidden"}
    mistakes = [
        _mistake(document, error)
        for error in errors
        if error["type"] != "missing" or _place(document, error["loc"]) not in meant
    ]
    return list({(mistake.field, mistake.message): mistake for mistake in mistakes}.values())


def fields_at(place: Place, document: Document) -> dict[str, dict[str, Any]]:
    """The fields that may stand at a place, each with its part of the JSON Schema."""
    fields: dict[str, dict[str, Any]] = {}
    for part in _parts(place, document):
        fields |= part.get("properties", {})
    return fields


def _parts(place: Place, document: Document) -> Iterator[dict[str, Any]]:
    """The parts of the JSON Schema for a place. Of the kinds of source, only the one declared."""
    schema = file_schema() if "for_each" in document.mapping() else json_schema()
    here: list[dict[str, Any]] = [schema]
    for step in place:
        here = [inner for part in here for inner in _inner(part, step, schema)]
    kind = document.text(*place, "kind")
    for part in here:
        const = part.get("properties", {}).get("kind", {}).get("const")
        if const is None or kind is None or const == kind:
            yield part


def _inner(part: dict[str, Any], step: str | int, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    more = part.get("additionalProperties")
    inner = part.get("items") if isinstance(step, int) else part.get("properties", {}).get(step, more)
    if isinstance(inner, dict):
        yield from _resolved(inner, schema)


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in part:
        part = part | schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    choices = part.get("oneOf", part.get("anyOf"))
    if choices is None:
        yield part
    else:
        for choice in choices:
            yield from _resolved(choice, schema)


def _place(document: Document, location: tuple[str | int, ...]) -> Place:
    """A pydantic location as a place in the file, without the tags of its unions."""
    place: Place = ()
    for step in location:
        if not str(step).startswith(("source:", "window:", "values:", "clusters:", "drift:")) and step != "[key]":
            place = (*place, step)
    return place


def _mistake(document: Document, error: Any) -> Mistake:
    place, kind = _place(document, error["loc"]), error["type"]
    if document.is_empty(place) and not kind.endswith(("_type", "_parsing")):
        return document.mistake(place, "is empty", _FILL_IN, code="declaration-wrong-type")
    known = _BY_TYPE.get(kind)
    if known is not None:
        code, explain = known
        in_name = kind == "extra_forbidden"
        return document.mistake(place, *explain(document, place, error), code=code, in_name=in_name)
    if kind.endswith(("_type", "_parsing")) or kind == "int_from_float":
        return document.mistake(place, *_wrong_type(document, place, kind), code="declaration-wrong-type")
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    for nothing in (repr(timedelta()), "0 seconds"):
        message = message.replace(nothing, _NO_TIME)
    if kind.endswith("_parsing_size"):
        message = "should be a smaller number"
    message = f"{message}, is {_shown(document.at(*place))}"
    return document.mistake(
        place, message, _form(document, place, _broken_bound(error)), code="declaration-out-of-bounds"
    )


def _form(document: Document, place: Place, otherwise: str) -> str:
    """What to write at a place, and what it is about. otherwise: what to write if the schema bounds no numbers."""
    write = _range(document, place) or otherwise
    return ": ".join(part for part in (write, _description(document, place)) if part)


def _range(document: Document, place: Place) -> str:
    """What to write at a place whose numbers are bounded; empty if they are not."""
    part = next((part for part in _parts(place, document) if _BOUNDS & part.keys()), {})
    low, above, high, below = (part.get(name) for name in _BOUND_NAMES)
    if low is not None and high is not None:
        return f"write {_plain(low)} to {_plain(high)}"
    words = {"at least": low, "more than": above, "at most": high, "less than": below}
    bounds = [f"{word} {_plain(value)}" for word, value in words.items() if value is not None]
    return f"write {' and '.join(bounds)}" if bounds else ""


def _plain(number: float) -> str:
    """A bound as it can be written in a declaration.

    >>> _plain(0.5), _plain(1e12)
    ('0.5', '1000000000000')
    """
    return str(int(number)) if number == int(number) else f"{number:g}"


_NO_TIME = "0d"
"""The one bound that durations have, for which Pydantic has words."""


def _broken_bound(error: Any) -> str:
    """What to write where the schema has no bounds, by the one that was broken: a duration, or a share."""
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for name, bound in error.get("ctx", {}).items():
        if name in words:
            return f"write {words[name]} {_NO_TIME if isinstance(bound, str) else _plain(bound)}"
    return ""


def _meant(document: Document, place: Place) -> Place:
    """The place of the field that an unknown one was likely meant to be, which is not reported as missing too."""
    return (*place[:-1], closest(str(place[-1]), fields_at(place[:-1], document)) or "")


def _shown(value: Any) -> str:
    """A value in a form short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else _KINDS.get(type(value), text[:60])


def _description(document: Document, place: Place) -> str:
    if not place:
        return ""
    if isinstance(place[-1], int):
        return _description(document, place[:-1])
    about = fields_at(place[:-1], document).get(place[-1], {})
    return str(about.get("description", ""))


def _missing(document: Document, place: Place, error: Any) -> tuple[str, str]:
    about = _description(document, place)
    return "is missing", f"add `{place[-1]}: …`" + (f" — {about}" if about else "")


def _unknown(document: Document, place: Place, error: Any) -> tuple[str, str]:
    return "unknown field", hint(str(place[-1]), fields_at(place[:-1], document), "fields here")


def _wrong_word(document: Document, place: Place, error: Any) -> tuple[str, str]:
    words = [literal_eval(word) for word in _QUOTED.findall(error["ctx"]["expected"])]
    value = document.at(*place)
    near = closest(value, words) if isinstance(value, str) else None
    meant = f"did you mean '{near}'? " if near else ""
    listed = ", ".join(word if word.replace("-", "_").isidentifier() else repr(word) for word in words)
    other = any("enum" not in p and "const" not in p and p.get("type") != "null" for p in _parts(place, document))
    forms = f", or another form: {_description(document, place)}" if other else ""
    example = "" if near or other or isinstance(place[-1], int) else f", such as `{place[-1]}: {words[0]}`"
    return f"unknown value {_shown(value)}", f"{meant}It is one of {listed}{example}{forms}"


def _wrong_type(document: Document, place: Place, kind: str) -> tuple[str, str]:
    value = document.at(*place)
    wanted = _WANTED.get(kind.split("_")[0], "a mapping of fields to values")
    if value is None:
        return f"is empty, should be {wanted}", _FILL_IN
    fix = ""
    if wanted == "a list" and isinstance(value, str):
        fix = f"write [{value}]"
    elif wanted == "text" and isinstance(value, int | float):
        fix = f"write it in quotes: '{value}'"
    return f"should be {wanted}, is {_shown(value)}", fix or _form(document, place, f"write {wanted}")


def _no_kind(document: Document, place: Place, error: Any) -> tuple[str, str]:
    if not isinstance(document.at(*place), dict):
        return _wrong_type(document, place, "model_type")
    return "has no kind", f"add `kind: …`, one of {', '.join((*OUR_KINDS, *other_kinds()))}"


def _value(document: Document, place: Place, error: Any) -> tuple[str, str]:
    message = str(error["ctx"]["error"])
    if place and place[0] == "checks":
        return message, "write {expect_column_values_to_not_be_null: {column: …}, severity: critical}"
    first, _, fix = message.partition(": ")
    own = _DURATION.search(_description(document, place))  # minutes where the field is about minutes
    return first, fix.replace(A_DURATION, f"for example {own[0]}") if own else fix


def _bad_name(document: Document, place: Place, error: Any) -> tuple[str, str]:
    return (
        f"{_shown(document.at(*place))} is not a valid name",
        "use lowercase letters, digits and _, beginning with a letter, at most 63 characters",
    )


def _too_short(document: Document, place: Place, error: Any) -> tuple[str, str]:
    return "is an empty list", _description(document, place)


_BY_TYPE: dict[str, tuple[str, Callable[[Document, Place, Any], tuple[str, str]]]] = {
    "missing": ("declaration-missing-field", _missing),
    "extra_forbidden": ("declaration-unknown-field", _unknown),
    "literal_error": ("declaration-unknown-value", _wrong_word),
    "union_tag_not_found": ("declaration-missing-kind", _no_kind),
    "value_error": ("declaration-bad-value", _value),
    "string_pattern_mismatch": ("declaration-bad-name", _bad_name),
    "too_short": ("declaration-empty-list", _too_short),
}
