"""A small use case and batches of it, as bytes through the real parser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data_checks.validation import Validation, validate
from perennial.sources.parsing import Parsed, parse
from perennial.sources.window import Window
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration

START, END = datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 2, 1, tzinfo=UTC)
WINDOW = Window(START, END, "2013-01")
COLUMNS = ("flight_id", "time_hour", "temp", "carrier", "late")

Row = dict[str, str]


def declare(*checks: Mapping[str, Any], **schema: Any) -> Declaration:
    """The use case with these checks, and its schema changed."""
    return Declaration.model_validate(
        {
            "name": "flights",
            "source": {"kind": "files", "path": "flights.csv"},
            "schema": {"key": ["flight_id"], "time": "time_hour", "target": "late", "task": "binary"} | schema,
            "features": {"numeric": ["temp"], "categorical": ["carrier"]},
            "model": {"estimator": "sklearn.dummy.DummyClassifier"},
            "checks": [dict(check) for check in checks],
        }
    )


def row(number: int, **values: str) -> Row:
    """One good row as texts, but for the values given."""
    good = {
        "flight_id": f"f{number}",
        "time_hour": f"2013-01-{1 + number % 28:02d}T05:00:00Z",
        "temp": str(40 + number % 20),
        "carrier": "UA",
        "late": str(number % 2),
    }
    return good | values


def rows(count: int, **faults: Mapping[int, str]) -> list[Row]:
    """Good rows, but for the faults: `rows(9, temp={3: "abc"})`."""
    return [row(n, **{column: values[n] for column, values in faults.items() if n in values}) for n in range(count)]


def batch(found: Sequence[Row], declaration: Declaration, columns: Sequence[str] = COLUMNS) -> Parsed:
    """Rows as a CSV file, parsed as declared."""
    lines = [",".join(columns), *(",".join(each[column] for column in columns) for each in found)]
    schema = declaration.schema_
    return parse("\n".join(lines).encode() + b"\n", ".csv", column_types(declaration), schema.timezone)


def check(found: Sequence[Row], *checks: Mapping[str, Any], **options: Any) -> Validation:
    """What the standing checks and these ones find on the rows."""
    declaration = options.pop("declaration", None) or declare(*checks)
    given: dict[str, Any] = {"as_of": END, "window": WINDOW} | options
    return validate(batch(found, declaration), declaration, **given)
