"""Models in use that learned from rows which were erased since."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.evaluation.figures import enumerated
from perennial.ledger.erased import erasures
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, open_question, waiting_challenger


@dataclass(frozen=True)
class LearnedErased:
    """A model in use that may have learned from rows which were erased since. erasures: their numbers."""

    version: int
    is_live: bool
    erasures: tuple[int, ...]

    @property
    def in_words(self) -> str:
        """A sentence without its end."""
        by = enumerated([f"erasure {number}" for number in self.erasures])
        which = "which is live" if self.is_live else "which waits"
        return f"Version {self.version}, {which}, has learned from rows that {by} removed"


def learned_erased(ledger: Ledger, usecase: str) -> list[LearnedErased]:
    """Of the models that are live or wait, those that may have learned from erased rows."""
    release, waiting = current_release(ledger, usecase), waiting_challenger(ledger, usecase)
    question = open_question(ledger, usecase)
    live = {each.model.version for each in release.serves} if release else set()
    waits = {each.version for each in (waiting and waiting.model, question and question.challenger) if each}
    learned = {
        version: tuple(
            erased.number
            for erased in erasures(ledger, usecase)
            if any(each.version == version and each.learned for each in erased.models)
        )
        for version in sorted(live | waits)
    }
    return [LearnedErased(version, version in live, numbers) for version, numbers in learned.items() if numbers]
