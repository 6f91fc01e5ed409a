"""What was erased, and what an erasure cannot reach, in words."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.evaluation.figures import counted, enumerated
from perennial.ledger.entries import Erased

_PLACES = {
    "landing": ("row of landed bytes", "rows of landed bytes"),
    "accepted": ("accepted row", "accepted rows"),
    "quarantine": ("row set aside", "rows set aside"),
    "labels": ("label", "labels"),
    "predictions": ("prediction", "predictions"),
    "flips": ("example of a decision", "examples of decisions"),
}


def places_in_words(counts: Mapping[str, int]) -> str:
    """How many rows or files each place has: `1 row of landed bytes, 1 accepted row and 2 predictions`."""
    if not counts:
        return "nothing: no such row is here"
    return enumerated([counted(count, *_PLACES[place]) for place, count in counts.items()])


def erased_in_words(usecase: str, erased: Erased) -> str:
    """What an erasure has removed."""
    return f"{usecase}: erasure {erased.number} removed {places_in_words(erased.counts)}."


def not_reached() -> tuple[str, ...]:
    """Copies that are outside the home: a person has to delete them."""
    return (
        "backups, and copies of the home made before",
        "the source of the batches: a batch that is sent again with other content brings its rows back",
    )
