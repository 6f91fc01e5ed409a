"""Whether an event is as OpenLineage's schemas demand: by the classes that its own project generates from them.

No package has the JSON schemas. A class for each is in openlineage-python, with every field, its type, and whether it
is required. Facets of ours are checked with the schema in the docs.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attr
import jsonschema
from openlineage.client import generated
from openlineage.client.generated.base import BaseFacet, RunEvent

OURS = json.loads((Path(__file__).parents[2] / "docs/openlineage/facets-1-0-0.json").read_text())
_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


@cache
def classes() -> dict[str, type]:
    """Schema URL → the class of a facet."""
    made = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for each in vars(import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(each, type) and issubclass(each, BaseFacet):
                made[each._get_schema()] = each
    return made


def problems(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event, each with its place."""
    return [*_of(event, RunEvent, "event"), *_of_texts(event)]


def _of_texts(event: dict[str, Any]) -> Iterator[str]:
    try:
        UUID(event["run"]["runId"])
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    except (ValueError, AssertionError) as problem:
        yield f"event: {problem!r}"


def _of(value: Any, wanted: Any, place: str) -> Iterator[str]:
    origin = get_origin(wanted)
    if wanted is Any:
        return
    if origin in (Union, UnionType):
        if value is None and NoneType in get_args(wanted):
            return
        (one,) = [each for each in get_args(wanted) if each is not NoneType]
        yield from _of(value, one, place)
    elif origin is list and isinstance(value, list):
        for number, each in enumerate(value):
            yield from _of(each, get_args(wanted)[0], f"{place}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for name, each in value.items():
            yield from _of(each, get_args(wanted)[1], f"{place}.{name}")
    elif isinstance(wanted, type) and issubclass(wanted, Enum):
        if value not in [each.value for each in wanted]:
            yield f"{place}: {value!r}"
    elif attr.has(wanted):
        yield from _of_facet(value, wanted, place) if issubclass(wanted, BaseFacet) else _of_class(value, wanted, place)
    elif wanted not in _PLAIN or not isinstance(value, _PLAIN[wanted]) or (wanted is not bool and value is True):
        yield f"{place}: {value!r} is no {wanted}"


def _of_facet(value: Any, wanted: type, place: str) -> Iterator[str]:
    url = value.get("_schemaURL", "")
    if url.startswith(OURS["$id"]):
        check = jsonschema.Draft202012Validator({**OURS, "$ref": url.removeprefix(OURS["$id"])})
        yield from (f"{place}: {error.message}" for error in check.iter_errors(value))
    elif url not in classes():
        yield f"{place}: unknown schema {url!r}"
    elif not issubclass(classes()[url], wanted):
        yield f"{place}: {url} does not belong here"
    else:
        yield from _of_class(value, classes()[url], place)


def _of_class(value: Any, wanted: type, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: {value!r} is no object"
        return
    hints, fields = get_type_hints(wanted), {each.name: each for each in attr.fields(wanted)}
    always = {"_producer", "_schemaURL", "producer", "schemaURL", "eventTime"} & set(fields)
    required = {name for name, each in fields.items() if each.default is attr.NOTHING} | always
    yield from (f"{place}: lacks {name}" for name in sorted(required - set(value)))
    yield from (f"{place}: unknown field {name}" for name in sorted(set(value) - set(fields)))
    for name in set(value) & set(fields):
        yield from _of(value[name], hints[name], f"{place}.{name}")
