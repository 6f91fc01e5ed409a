"""The types of a table's columns follow from the declaration."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration


def declared(**changes: Any) -> Declaration:
    schema = {"key": ["id", "line"], "time": "at", "target": "y", "task": "binary", **changes}
    features = {"numeric": ["price"], "categorical": ["country"], "never": ["refund", "reason"]}
    source, model = {"kind": "files", "path": "x"}, {"estimator": "a.B"}
    return Declaration.model_validate(
        {"name": "shop", "source": source, "schema": schema, "features": features, "model": model}
    )


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_every_column_has_the_type_of_its_role(task: str) -> None:
    types = {"refund": "number", "line": "integer", "note": "text"}
    assert column_types(declared(task=task, types=types, label_known_at="known")) == {
        "id": "text",
        "line": "integer",
        "at": "timestamp",
        "y": "number",
        "known": "timestamp",
        "price": "number",
        "country": "text",
        "refund": "number",
        "reason": "text",
        "note": "text",
    }


def test_a_key_that_is_the_time_is_a_time() -> None:
    assert column_types(declared(key=["at"]))["at"] == "timestamp"
