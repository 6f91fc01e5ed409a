"""The parts of a dossier: what was computed from the record, what people declared, and what nobody stated yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NOT_STATED = "not stated – yours to write"
Origin = Literal["computed", "declared", "not stated", "unknown"]


@dataclass(frozen=True)
class Table:
    """Rows of words under their headings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Item:
    """One statement of a chapter.

    origin: computed from the ledger; declared by people; not stated by anybody; or unknown, since what it would be
    computed from is not there yet, as the text explains. field: the field of the declaration that states it; empty for
    what is computed. required: whether a complete dossier needs it.
    """

    name: str
    origin: Origin
    text: tuple[str, ...] = ()
    table: Table | None = None
    field: str = ""
    required: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether a complete dossier needs it, and it is not there."""
        return self.required and self.origin in ("not stated", "unknown")


def computed(name: str, *text: str, table: Table | None = None) -> Item:
    """What the ledger proves."""
    return Item(name, "computed", text, table)


def unknown(name: str, why: str, *, required: bool = True) -> Item:
    """What the ledger cannot prove yet, and why."""
    return Item(name, "unknown", (f"unknown: {why}",), required=required)


def stated(name: str, field: str, value: str | Sequence[str], *, required: bool = True) -> Item:
    """What people declared in a field, under `governance` but for the description; `NOT_STATED` where they did not."""
    lines = (value,) if isinstance(value, str) else tuple(value)
    written = tuple(line.strip() for line in lines if line.strip())
    place = field if field == "description" else f"governance.{field}"
    if not written:
        return Item(name, "not stated", (NOT_STATED,), field=place, required=required)
    return Item(name, "declared", written, field=place, required=required)
