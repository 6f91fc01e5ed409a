"""A decision that would release a model is held while requirements of the use case's risk tier are not met."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.ledger.entries import Decision


def held_for(decision: Decision, requirements: Sequence[str]) -> Decision:
    """The decision, held for a person if it would release a model; one that is held already names them too.

    requirements: in words; empty: nothing changes.
    """
    if not requirements or decision.outcome not in ("first", "release", "held"):
        return decision
    because = f"The risk tier requires: {'; '.join(requirements)}."
    return decision.model_copy(
        update={"outcome": "held", "reasons": (*decision.reasons, because), "held_for": tuple(requirements)}
    )
