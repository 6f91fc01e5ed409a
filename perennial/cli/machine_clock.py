"""The machine's clock, which the command line reads and passes on: the core never asks for the time itself."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
