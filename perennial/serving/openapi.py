"""The service's description in OpenAPI 3.1, from the declarations of its use cases."""

from __future__ import annotations

from typing import Any

from perennial.serving.fields import Field, Fields
from perennial.serving.live import Live

_TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "text": {"type": ["string", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "timestamp": {"type": ["string", "null"], "format": "date-time"},
}
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
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
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


def _predict(live: Live) -> dict[str, Any]:
    record = _record(live.fields)
    body = {"oneOf": [record, {"type": "array", "items": record, "minItems": 1}]}
    refusals = {
        "400": "not JSON, or no record",
        "401": "no API key, or a wrong one",
        "408": "the request took too long",
        "413": "the body is too large, or has too many records",
        "422": "fields that are missing or wrong, all of them",
        "503": "no model is live, or its prediction cannot be logged",
    }
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "summary": f"Score one record of {live.usecase}, or a list",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": example(live)}},
        },
        "responses": {
            "200": {"description": "scored and logged", "content": {"application/json": {"schema": _answer(live)}}},
            **{code: {"description": what, "content": error} for code, what in refusals.items()},
        },
    }


def _record(fields: Fields) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _TYPES[field.kind] for field in fields.fields}
        | {name: {} for name in fields.hidden},
        "required": [field.name for field in fields.fields if field.required],
        "additionalProperties": False,
    }


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
