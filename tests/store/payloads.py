"""Small true-to-shape payloads, made by hand: a test says only what matters to it."""

from __future__ import annotations

from typing import Any

from perennial.store.entries import BatchEntry, DeclarationEntry, LabelBatchEntry, Rows


def declaration(number: int | str) -> DeclarationEntry:
    """A payload with the key `d<number>`."""
    return DeclarationEntry(digest=f"d{number}", declaration={"number": number})


def batch(window: str = "2024-01", **changes: Any) -> BatchEntry:
    """An accepted batch of ten rows that arrived at the end of its month."""
    year, month = (int(part) for part in window.split("-"))
    end = f"{year + month // 12}-{month % 12 + 1:02d}-01T00:00:00Z"
    values: dict[str, Any] = {
        "batch": f"b-{window}",
        "window": window,
        "start": f"{window}-01T00:00:00Z",
        "end": end,
        "revision": 1,
        "landing": "l.csv",
        "digest": f"content-{window}",
        "arrived_at": end,
        "status": "accepted",
        "rows": Rows(arrived=10, accepted=10, quarantined=0, unlabelled=0),
        "quarantine": (),
        "warnings": (),
        "held_because": (),
        "extra_columns": (),
        "table_version": 0,
        "quarantine_version": None,
        "declaration_digest": "d",
    }
    return BatchEntry(**{**values, **changes})


def label_batch(name: str, arrived_at: str, rows: int = 1) -> LabelBatchEntry:
    """Labels that came in a file of their own."""
    return LabelBatchEntry(
        batch=name, landing=f"{name}.csv", file=name, rows=rows, refused=0, arrived_at=arrived_at, table_version=0
    )
