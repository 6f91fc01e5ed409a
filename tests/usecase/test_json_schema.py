"""An editor with the JSON Schema reports what the reader reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from perennial.usecase.schema import file_schema

FLIGHTS = Path(__file__).parents[2] / "usecases" / "flights.yaml"


@pytest.fixture(scope="module")
def editor() -> jsonschema.Draft202012Validator:
    schema = file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def flights() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FLIGHTS.read_text(encoding="utf-8"))
    return found


def test_the_demo_is_right_to_an_editor(editor: jsonschema.Draft202012Validator, flights: dict[str, Any]) -> None:
    assert [error.message for error in editor.iter_errors(flights)] == []


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("checks", [{"expect_column_values_to_be_betwen": {"column": "temp"}}]),
        ("checks", [{"expect_column_values_to_be_between": {"column": "temp", "min": 1}}]),
        ("checks", [{"expect_column_values_to_be_between": {}}]),
        ("checks", [{"expect_column_values_to_be_null": {"column": "a"}, "expect_column_to_exist": {"column": "a"}}]),
        ("checks", [{"severity": "critical"}]),
        ("checks", [{"expectation": "expect_column_to_exist", "arguments": {"column": "a"}}]),
        ("source", {"kind": "nycflights13", "batch": "year"}),
        ("source", {"kind": "nyc"}),
        ("model", {"estimator": "a.B", "window": {"last": 90}}),
        ("model", {"estimator": "a.B", "window": "expandng"}),
        ("clok", "replay"),
    ],
)
def test_a_mistake_is_one_to_an_editor_too(
    editor: jsonschema.Draft202012Validator, flights: dict[str, Any], part: str, value: Any
) -> None:
    assert not editor.is_valid({**flights, part: value})


@pytest.mark.parametrize("window", ["expanding", {"last": "90d"}])
def test_both_spellings_of_a_window_are_right(
    editor: jsonschema.Draft202012Validator, flights: dict[str, Any], window: Any
) -> None:
    assert editor.is_valid({**flights, "model": {"estimator": "a.B", "window": window}})


@pytest.mark.parametrize(
    ("fields", "valid"),
    [
        ({"for_each": {"store": ["17", 23]}, "members": {"17": {"clock": "wall"}}}, True),
        ({"for_each": {"store": "stores.csv"}, "fleet": {"releases": {"fdr": "5%"}}}, True),
        ({"for_each": {"store": []}}, False),
        ({"for_each": {"store": ["a"]}, "fleet": {"releases": {"fdp": 0.05}}}, False),
        ({"members": {"17": {"clock": "wall"}}}, False),
    ],
)
def test_an_editor_knows_the_fields_of_a_template(
    editor: jsonschema.Draft202012Validator, flights: dict[str, Any], fields: dict[str, Any], valid: bool
) -> None:
    assert editor.is_valid({**flights, **fields}) == valid


def test_every_field_has_a_description() -> None:
    schema = file_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert [field for field, about in _fields("", schema) if not about.get("description")] == []


def _fields(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    parts = {name: schema, **schema["$defs"]}
    for part, inner in parts.items():
        for field, about in inner.get("properties", {}).items():
            yield f"{part}.{field}", about
