"""The result of a check, as plain JSON for the record and in a few words for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from data_checks.running import CheckResult
from data_checks.wording import in_words
from perennial.evaluation.figures import figure

_LISTED = 200
_SHOWN = 200
_LONG_NUMBER = 9
"""Characters of a number that is rounded for people."""


def observed(check: CheckResult) -> str:
    """The observed value of an aggregate, in words."""
    value = as_json(check.result.get("observed_value"))
    if value is None:
        return "nothing observed"
    text = in_words(value)
    if isinstance(value, float) and len(text) > _LONG_NUMBER:
        text = figure(value)
    return "observed " + (text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def for_the_record(check: CheckResult) -> dict[str, Any]:
    """One plain JSON object with the check and its result."""
    planned = check.planned
    return {
        "expectation": planned.expectation.expectation_type,
        "arguments": as_json(check.arguments),
        "level": planned.level,
        "severity": planned.severity,
        "standing": planned.standing,
        "reason": planned.reason,
        "columns": list(planned.needs),
        "success": check.success,
        "exception": check.exception,
        "result": _short(as_json(check.result)),
    }


def _short(value: Any) -> Any:
    """Lists cut to the length that Great Expectations uses: a column may have as many distinct values as rows."""
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items()}
    return [_short(part) for part in value[:_LISTED]] if isinstance(value, list) else value


def as_json(value: Any) -> Any:
    """A value as strict JSON: numpy scalars unpacked, NaN and infinities as null, times as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(part) for part in value]
    if hasattr(value, "dict"):
        return as_json(value.dict())
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat() if value == value else None
    return str(value)
