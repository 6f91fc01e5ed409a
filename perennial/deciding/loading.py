"""The models of a comparison, loaded from the registry."""

from __future__ import annotations

from perennial.deciding.scored_models import Contest
from perennial.evaluation.mixture import half_and_half
from perennial.ledger.entries import ChallengerEntry, Release, Served
from perennial.model.released import Serving, load_evaluated, load_model
from perennial.store.registry import Registry
from perennial.usecase.declaration import ReleaseRules


def mixture_of(rules: ReleaseRules, release: Release | None, challenger: ChallengerEntry) -> tuple[Served, ...]:
    """What is evaluated in place of the challenger alone; empty with `serve: single`, and for a first model."""
    if rules.serve == "single" or release is None:
        return ()
    served = {each.challenger: each.model for each in release.evaluated} | {challenger.challenger: challenger.model}
    live = [(each.challenger, each.weight) for each in release.evaluated]
    mixed = half_and_half(live, challenger.challenger, rules.members)
    return tuple(Served(model=served[name], challenger=name, weight=weight) for name, weight in mixed)


def load_contest(
    registry: Registry, usecase: str, challenger: ChallengerEntry, release: Release | None, rules: ReleaseRules
) -> Contest:
    """The challenger and what it is compared with, each checked against its digest.

    Raises RegistryDown, ModelUnloadable.
    """
    model = load_model(registry, usecase, challenger.model)
    champion = load_evaluated(registry, usecase, release) if release else None
    mixed = mixture_of(rules, release, challenger)
    if not mixed or champion is None or release is None:
        return Contest(model, challenger, champion, release)
    loaded = dict(zip((each.challenger for each in release.evaluated), champion.models, strict=True))
    loaded[challenger.challenger] = model
    mixture = Serving(tuple(loaded[each.challenger] for each in mixed), tuple(each.weight for each in mixed))
    return Contest(model, challenger, champion, release, mixture, mixed)
