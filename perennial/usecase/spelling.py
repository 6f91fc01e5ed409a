"""How a declaration writes durations, shares and numbers, and the base class of its parts."""

from __future__ import annotations

from datetime import timedelta
from math import isfinite
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from perennial.clock import parse_duration, write_duration


def _duration(value: Any) -> timedelta:
    """A duration from its text. A bare number has no unit, so it is refused rather than read as seconds."""
    if isinstance(value, timedelta):
        return value
    return parse_duration(value if isinstance(value, str) else str(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=Annotated[str, Field(pattern=r"^\s*\d+\s*[mhdwy]\s*$")]),
    PlainSerializer(write_duration, return_type=str),
]


class Frozen(BaseModel):
    """A part of the declaration: unknown fields are mistakes, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"should be a number, is {value!r}")
    return value


Number = Annotated[Any, BeforeValidator(_number, json_schema_input_type=float)]


def share_of(value: Any) -> Any:
    """A share from its text: `2%`, or the number 0.02."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError(f"'{value}' is not a share: write 2% or 0.02") from None
    return value


def _amount(value: Any) -> Any:
    """An amount from its text: a number, or `1%` or `1% of skill`, which stay text."""
    text = value.strip().removesuffix(_OF_SKILL).rstrip() if isinstance(value, str) else ""
    if text.endswith("%"):
        share = share_of(text)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"should be a number or a share, is {value!r}: write 0.002 or 1% or 1% of skill")
    else:
        share = value
    if not (isfinite(share) and share >= 0):
        raise ValueError(f"should not be below 0, is {value!r}: write 0.002 or 1%")
    return " ".join(value.split()) if isinstance(value, str) else float(value)


_OF_SKILL = " of skill"
_SHARES = Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*%\s*( of skill\s*)?$")]
_PERCENT = Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*%\s*$")]
Share = Annotated[float, BeforeValidator(share_of, json_schema_input_type=float | _PERCENT)]
Amount = Annotated[Any, BeforeValidator(_amount, json_schema_input_type=float | _SHARES)]


def amount_of(amount: float | str, whole: float | None, skill: float | None = None) -> float:
    """An `Amount` as a number: a share is taken of `whole`, or of `skill` if it is above 0; 0 if that is unknown.

    >>> amount_of(0.002, 0.4), amount_of("1%", 0.5), amount_of("1%", -0.5), amount_of("1% of skill", 0.4, 0.1)
    (0.002, 0.005, 0.005, 0.001)
    """
    if not isinstance(amount, str):
        return amount
    if amount.endswith(_OF_SKILL):
        return float(share_of(amount.removesuffix(_OF_SKILL))) * max(0.0, skill or 0.0)
    return float(share_of(amount)) * abs(whole or 0.0)
