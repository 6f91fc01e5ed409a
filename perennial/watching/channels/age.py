"""The age channel: has it been long since the champion learned something?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.finding import Found

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched


def age(age_days: float, refresh_after_days: float) -> Found:
    """The finding. age_days: from the newest moment that the champion was trained on.

    >>> age(120, 90).words
    'The champion was trained 120 days ago; release.refresh_after is 90 days.'
    """
    words = (
        f"The champion was trained {round(age_days):,} days ago; release.refresh_after is "
        f"{round(refresh_after_days):,} days."
    )
    return Found(age_days, refresh_after_days, age_days > refresh_after_days, age_days <= refresh_after_days, words)


@dataclass(frozen=True)
class Age:
    """The channel."""

    name: str = "age"
    question: str = "Has it been long since the champion was trained?"
    statistic: str = "days from the newest moment that it was trained on, against `release.refresh_after`"
    unit: str = "days"
    blind_to: str = "whether anything has changed since"
    may_retrain: bool = False
    severity: Severity = "info"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """The champion's age at the batch."""
        return age(on.age_days, on.declaration.release.refresh_after.total_seconds() / 86400)


CHANNEL = Age()
