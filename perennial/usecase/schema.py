"""The JSON Schema of a declaration, which lets an editor validate and complete the file of a use case."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from perennial.evaluation.policies import REGISTERED
from perennial.registered import installed_entries
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_fleet import FleetRules
from perennial.usecase.windows import REGISTERED as WINDOWS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CATALOGUE = Path(__file__).parent / "expectations.json"


@cache
def expectations() -> dict[str, dict[str, Any]]:
    """Great Expectations' core expectations by name: their arguments, kind and description."""
    catalogue: dict[str, dict[str, Any]] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return catalogue


def other_kinds() -> list[str]:
    """The kinds of source that installed packages add, in alphabetical order."""
    return sorted({entry.name for entry in installed_entries("perennial.sources")})


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a declaration file, with the checks and sources installed here."""
    schema = Declaration.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions["Check"]["patternProperties"] = {
        f"^{name}$": _arguments(entry) for name, entry in sorted(expectations().items())
    }
    definitions["ReleaseRules"]["properties"]["policy"]["enum"] = list(REGISTERED.names())
    kinds = other_kinds()
    if kinds:
        definitions["OtherSource"]["properties"]["kind"]["enum"] = kinds
    else:
        sources = schema["properties"]["source"]
        sources["oneOf"] = [each for each in sources["oneOf"] if each != {"$ref": "#/$defs/OtherSource"}]
        del definitions["OtherSource"]
    if words := WINDOWS.installed():
        definitions["OtherWindow"] |= {"properties": {word: {} for word in words}, "additionalProperties": False}
    else:
        del definitions["OtherWindow"]
        schema = _without(schema, "#/$defs/OtherWindow")
    return {"$schema": DIALECT, **schema, "title": "Perennial use case"}


def file_schema() -> dict[str, Any]:
    """The same for a file that may be a template too."""
    schema, fleet = json_schema(), FleetRules.model_json_schema(by_alias=True)
    values = {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}}
    of_templates = {
        "for_each": {
            "type": "object",
            "description": "a placeholder with its values, one for each member, or with a CSV file that lists them",
            "minProperties": 1,
            "maxProperties": 1,
            "patternProperties": {r"^[A-Za-z_]\w*$": {"anyOf": [{"type": "string"}, values]}},
            "additionalProperties": False,
        },
        "members": {
            "type": "object",
            "description": "a value of `for_each` with the fields that differ for its member",
            "additionalProperties": {"type": "object", "minProperties": 1},
        },
        "fleet": {"$ref": "#/$defs/FleetRules", "description": FleetRules.__doc__},
    }
    definitions = {**schema["$defs"], **fleet.pop("$defs"), "FleetRules": fleet}
    needs = {name: ["for_each"] for name in ("members", "fleet")}
    return {
        **schema,
        "properties": {**schema["properties"], **of_templates},
        "dependentRequired": needs,
        "$defs": definitions,
    }


def _without(part: Any, reference: str) -> Any:
    """A part of a schema without the choice of that definition."""
    if isinstance(part, dict):
        return {name: _without(inner, reference) for name, inner in part.items()}
    if isinstance(part, list):
        return [_without(inner, reference) for inner in part if inner != {"$ref": reference}]
    return part


def _arguments(expectation: dict[str, Any]) -> dict[str, Any]:
    arguments = expectation["arguments"]
    return {
        "type": ["object", "null"],
        "description": expectation["description"],
        "properties": {name: {} for name in arguments},
        "required": [name for name, about in arguments.items() if about["required"]],
        "additionalProperties": False,
    }
