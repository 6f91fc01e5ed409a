"""How a declaration writes which rows evaluate a challenger: those that come later, or the newest days at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from perennial.clock import parse_duration

NEXT_BATCH: Literal["next_batch"] = "next_batch"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Newest:
    """A challenger is trained without the newest local days that have labels, and evaluated on them at once."""

    days: int


def judge_of(value: Any) -> Newest | Literal["next_batch"]:
    """What is declared as it is written. Raises ValueError that names the forms."""
    if isinstance(value, Newest) or value == NEXT_BATCH:
        declared: Newest | Literal["next_batch"] = value
        return declared
    if not isinstance(value, dict) or set(value) != {"newest"}:
        written = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
        raise ValueError(f"should be next_batch or the newest days, is {written}: write {{newest: 15d}}")
    length = parse_duration(value["newest"] if isinstance(value["newest"], str) else str(value["newest"]))
    if not length or length % _DAY:
        raise ValueError(f"newest should be whole days, is {value['newest']!r}: write 15d")
    return Newest(length // _DAY)


def _written(judge: Newest | Literal["next_batch"]) -> Any:
    return {"newest": f"{judge.days}d"} if isinstance(judge, Newest) else judge


Judge = Annotated[
    Newest | Literal["next_batch"],
    BeforeValidator(
        judge_of,
        json_schema_input_type=Annotated[
            dict[str, str] | Literal["next_batch"], Field(description="next_batch or {newest: 15d}")
        ],
    ),
    PlainSerializer(_written),
]
