"""Which arm of a stage a row belongs to, by its key: the same one in a request and in a batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from perennial.clock import write_instant
from perennial.identity import arm_position
from perennial.ledger.entries import Candidate
from perennial.sources.column_type import ColumnType

Arm = Literal["champion", "candidate"]


def arm_of(key: str, candidate: Candidate) -> Arm:
    """The arm of a row with this key as text; in a shadow stage every row is the champion's."""
    share = candidate.stage.share
    return "candidate" if share and arm_position(key, candidate.salt) < share else "champion"


def key_text(values: Sequence[Any], kinds: Sequence[ColumnType]) -> str | None:
    """A row's key as one text, the same for equal values of whatever type; None if a part is missing.

    values: of the key columns, in the order in which they are declared. kinds: their types.

    >>> key_text(["a", 7.0], ["text", "integer"]), key_text(["a", None], ["text", "integer"])
    ('["a","7"]', None)
    """
    parts = [_text(value, kind) for value, kind in zip(values, kinds, strict=True)]
    return None if None in parts else json.dumps(parts, separators=(",", ":"), ensure_ascii=False)


def _text(value: Any, kind: ColumnType) -> str | None:
    if value is None or value != value:
        return None
    if kind == "number":
        return repr(float(value) + 0.0)  # there is one zero
    if kind == "integer":
        return str(int(value))
    if kind == "boolean":
        return "true" if value else "false"
    return write_instant(value) if isinstance(value, datetime) else str(value)
