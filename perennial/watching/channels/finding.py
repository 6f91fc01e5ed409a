"""A finding without more than every channel's: a statistic, its threshold and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.ledger.entries.watching import Severity


@dataclass(frozen=True)
class Found:
    """See `Finding`. severity: None, the channel's."""

    value: float | None
    threshold: float | None
    alarm: bool
    back: bool
    words: str
    severity: Severity | None = None


def unknown(words: str) -> Found:
    """Neither an alarm nor back to normal. words: why, and from when on it will be known."""
    return Found(None, None, False, False, words)
