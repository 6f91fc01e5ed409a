"""The JSON Schema of a declaration, which lets an editor validate and complete the file of a use case."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from perennial.evaluation.policies import REGISTERED
from perennial.registered import installed_entries
from perennial.usecase.declaration import Declaration
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
