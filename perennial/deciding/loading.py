"""The two models of a comparison, loaded from the registry."""

from __future__ import annotations

from perennial.deciding.scored_models import Contest
from perennial.ledger.entries import ChallengerEntry, Release
from perennial.model.released import load_champion, load_model
from perennial.store.registry import Registry


def load_contest(registry: Registry, usecase: str, challenger: ChallengerEntry, release: Release | None) -> Contest:
    """Challenger and champion, each checked against its digest. Raises RegistryDown, ModelUnloadable."""
    return Contest(
        challenger=load_model(registry, usecase, challenger.model),
        challenger_entry=challenger,
        champion=load_champion(registry, usecase, release) if release else None,
        release=release,
    )
