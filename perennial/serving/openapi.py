"""The service's description in OpenAPI 3.1, from the declarations of its use cases."""

from __future__ import annotations

from typing import Any

from perennial.serving.answering import MOST_RECORDS
from perennial.serving.fields import Field, Fields
from perennial.serving.live import Live
from perennial.serving.values import INTEGERS, LARGEST
from perennial.sources.column_type import ColumnType

_TYPES: dict[ColumnType, dict[str, Any]] = {
    "number": {
        "type": ["number", "boolean", "null"],
        "format": "double",
        "minimum": -LARGEST,
        "maximum": LARGEST,
        "description": "true counts as 1, false as 0",
    },
    "integer": {
        "type": ["integer", "boolean", "null"],
        "format": "int64",
        "minimum": INTEGERS[0],
        "maximum": INTEGERS[1],
        "description": "true counts as 1, false as 0",
    },
    "text": {"type": ["string", "null"], "description": "an empty text counts as null"},
    "boolean": {
        "type": ["boolean", "integer", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "1 counts as true, 0 as false",
    },
}
_READ_TIMES = "^[^0-9]*([0-9]{1,9}([^0-9tz][^0-9]*|$))*$"
"""What `date-time` allows and the service does not read: ten digits of a second, a small t or z."""
_EXAMPLES: dict[str, Any] = {
    "number": 1.5,
    "integer": 1,
    "boolean": True,
    "timestamp": "2024-01-31T12:00:00Z",
}


def description(lives: list[Live]) -> dict[str, Any]:
    """The whole document, with an example for each use case that the service answers."""
    paths: dict[str, Any] = {}
    for live in lives:
        paths[f"/usecases/{live.usecase}/predict"] = {"post": _predict(live)}
    for path, what in (("/health", "Whether the process is alive"), ("/ready", "What is served, and what is wrong")):
        paths[path] = {"get": {"summary": what, "responses": {"200": {"description": what}}}}
    paths["/ready"]["get"]["responses"]["503"] = {"description": "not all use cases can be answered"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Perennial", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "schemas": {"Error": _ERROR},
        },
    }


def example(live: Live) -> dict[str, Any]:
    """A record that the service answers. Text fields have a value that the model was trained on."""
    seen = live.served.seen
    return {field.name: _value(field, seen.get(field.name, frozenset())) for field in live.fields.fields}


def _value(field: Field, seen: frozenset[str]) -> Any:
    if field.kind == "text":
        return min(seen) if seen else "a"
    return _EXAMPLES[field.kind]


def field_schema(kind: ColumnType, timezone: str) -> dict[str, Any]:
    """What a field of this type takes, as JSON Schema. timezone: of times without one.

    Of times, a validator that checks `format` allows only what the service reads, though not every form of it. One that
    takes `format` as an annotation, as JSON Schema does by default, refuses nothing that the service reads.
    """
    if kind != "timestamp":
        return _TYPES[kind]
    what = (
        "RFC 3339 with capital letters, to the nanosecond, without leap seconds. Every other form that a batch may "
        "have is read too, such as a date alone, or a time without an offset, which is one in "
        f"{timezone}; a time that clocks there skip is not."
    )
    return {"type": ["string", "null"], "format": "date-time", "pattern": _READ_TIMES, "description": what}


def _predict(live: Live) -> dict[str, Any]:
    refusals = {
        "400": "not JSON, or no record",
        "401": "no API key, or a wrong one",
        "403": "the key may only look, not post records",
        "408": "the request took too long",
        "413": f"the body is too large, or has more than {MOST_RECORDS:,} records",
        "422": "fields that are missing or wrong, all of them",
        "503": "no model is live, or its prediction cannot be logged",
    }
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "summary": f"Score one record of {live.usecase}, or a list",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body_schema(live.fields), "example": example(live)}},
        },
        "responses": {
            "200": {"description": "scored and logged", "content": {"application/json": {"schema": _answer(live)}}},
            **{code: {"description": what, "content": error} for code, what in refusals.items()},
        },
    }


def body_schema(fields: Fields) -> dict[str, Any]:
    """One record, or a list of them, as JSON Schema. How many a list may have is a matter of status 413."""
    record = {
        "type": "object",
        "properties": {field.name: field_schema(field.kind, fields.timezone) for field in fields.fields}
        | {name: {} for name in fields.hidden},
        "required": [field.name for field in fields.fields if field.required],
        "additionalProperties": False,
    }
    return {"oneOf": [record, {"type": "array", "items": record, "minItems": 1}]}


def _answer(live: Live) -> dict[str, Any]:
    classes = [str(each) for each in live.schema.classes]
    scored = (
        {"scores": {"type": "object", "properties": {name: {"type": "number"} for name in classes}}}
        if classes
        else {"score": {"type": "number"}}
    )
    prediction = {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"]},
            **scored,
            "warnings": {"type": "array", "items": {"type": "string"}},
            "arm": {"type": "string", "enum": ["champion", "candidate"]},
            "versions": {"type": "string"},
        },
        "required": ["id", *scored, "warnings"],
    }
    return {
        "type": "object",
        "properties": {
            "usecase": {"type": "string"},
            "release": {"type": "integer"},
            "versions": {"type": "string"},
            "predictions": {"type": "array", "items": prediction},
        },
        "required": ["usecase", "release", "versions", "predictions"],
    }


_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "mistakes": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["code", "message", "mistakes"],
        }
    },
    "required": ["error"],
}
