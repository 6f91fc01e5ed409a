"""How a declaration writes the stages through which a new model reaches all keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from perennial.clock import parse_duration, write_duration
from perennial.usecase.spelling import share_of

FULL = "full"
_FORMS = "write {shadow: 7d}, {canary: 10%, for: 7d} or full"


@dataclass(frozen=True)
class DeclaredStage:
    """A stage. share: of the keys that the candidate answers. length: how long at least; 0 for `full`."""

    kind: Literal["shadow", "canary", "full"]
    share: float
    length: timedelta


def stage_of(value: Any) -> DeclaredStage:
    """A stage as it is written. Raises ValueError that names the forms."""
    if isinstance(value, DeclaredStage):
        return value
    if value == FULL:
        return DeclaredStage("full", 1.0, timedelta(0))
    names = set(value) if isinstance(value, dict) else set()
    if names == {"shadow"}:
        return DeclaredStage("shadow", 0.0, _length(value["shadow"]))
    if names == {"canary", "for"}:
        share = share_of(value["canary"])
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ValueError(f"canary should be a share above 0 and below 1, is {value['canary']!r}: write 10% or 0.1")
        return DeclaredStage("canary", float(share), _length(value["for"]))
    raise ValueError(f"{value!r} is no stage: {_FORMS}")


def _length(value: Any) -> timedelta:
    length = parse_duration(value if isinstance(value, str) else str(value))
    if not length:
        raise ValueError(f"a stage should last longer than 0, is {value!r}: write 7d")
    return length


def _written(stage: DeclaredStage) -> Any:
    if stage.kind == "full":
        return FULL
    length = write_duration(stage.length)
    return {"shadow": length} if stage.kind == "shadow" else {"canary": stage.share, "for": length}


Stage = Annotated[
    DeclaredStage,
    BeforeValidator(
        stage_of,
        json_schema_input_type=Annotated[
            dict[str, float | str] | Literal["full"], Field(description="{shadow: 7d}, {canary: 10%, for: 7d} or full")
        ],
    ),
    PlainSerializer(_written),
]

Feedback = Literal["none", "labels", "outcome"]
