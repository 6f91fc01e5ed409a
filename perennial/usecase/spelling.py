"""How a declaration spells durations, shares and numbers, and what all its parts have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from perennial.clock import parse_duration, write_duration


def _duration(value: Any) -> timedelta:
    """A duration from its spelling. A bare number has no unit, so it is refused, not taken for seconds."""
    if isinstance(value, timedelta):
        return value
    return parse_duration(value if isinstance(value, str) else str(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=Annotated[str, Field(pattern=r"^\s*\d+\s*[mhdw]\s*$")]),
    PlainSerializer(write_duration, return_type=str),
]


class Frozen(BaseModel):
    """A part of the declaration: unknown fields are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"should be a number, is {value!r}")
    return value


Number = Annotated[Any, BeforeValidator(_number, json_schema_input_type=float)]


def _share(value: Any) -> Any:
    """A share from its spelling: `2%`, or the number 0.02."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError(f"'{value}' is no share: write 2% or 0.02") from None
    return value


_PERCENT = Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*%\s*$")]
Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=float | _PERCENT)]
