"""The models of a comparison, loaded from the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perennial.deciding.labelled_rows import EvaluationRows
from perennial.deciding.recall import Past, in_short, scorable
from perennial.deciding.scored_models import Contest
from perennial.errors import ModelUnloadable
from perennial.evaluation.hedge import RECALLED, half_and_recalled
from perennial.evaluation.mixture import half_and_half
from perennial.ledger.entries import ChallengerEntry, NotRecalled, Recalled, Release, Served
from perennial.model.artifact import Fitted
from perennial.model.released import Serving, load_evaluated, load_model
from perennial.store.registry import Registry
from perennial.usecase.declaration import Declaration, ReleaseRules


@dataclass(frozen=True)
class Pool:
    """The past challengers that may be recalled, the newest first, and the rows that they must be able to predict.

    left_out: those that could not when a decision was taken, for its replay; None: not known yet, so each is tried.
    """

    past: tuple[Past, ...]
    judging: EvaluationRows
    left_out: tuple[NotRecalled, ...] | None = None


def mixture_of(rules: ReleaseRules, release: Release | None, challenger: ChallengerEntry) -> tuple[Served, ...]:
    """What `serve: mixture` evaluates in place of the challenger alone; empty otherwise, and for a first model."""
    if rules.serve != "mixture" or release is None:
        return ()
    served = {each.challenger: each.model for each in release.evaluated} | {challenger.challenger: challenger.model}
    live = [(each.challenger, each.weight) for each in release.evaluated]
    mixed = half_and_half(live, challenger.challenger, rules.members)
    return tuple(Served(model=served[name], challenger=name, weight=weight) for name, weight in mixed)


def load_contest(
    registry: Registry,
    declaration: Declaration,
    challenger: ChallengerEntry,
    release: Release | None,
    pool: Pool | None = None,
) -> Contest:
    """The challenger and what it is compared with, each checked against its digest.

    pool: of `serve: recall`. Raises RegistryDown, ModelUnloadable.
    """
    usecase = declaration.name
    model = load_model(registry, usecase, challenger.model)
    champion = load_evaluated(registry, usecase, release) if release else None
    contest = Contest(model, challenger, champion, release)
    if champion is None or release is None:
        return contest
    if pool is not None:
        return _recalling(registry, declaration, contest, pool)
    mixed = mixture_of(declaration.release, release, challenger)
    loaded = dict(zip((each.challenger for each in release.evaluated), champion.models, strict=True))
    return _mixing(contest, mixed, loaded) if mixed else contest


def _recalling(registry: Registry, declaration: Declaration, contest: Contest, pool: Pool) -> Contest:
    """The mixture with the past challengers that predict best and can predict; the challenger alone if none can."""
    challenger = contest.challenger_entry
    past = [each for each in pool.past if each.entry.challenger != challenger.challenger]
    loaded, left_out = _loadable(registry, declaration, past, pool)
    usable = [each for each in past if each.entry.challenger in loaded]
    weights = half_and_recalled([(each.entry.challenger, each.weight) for each in usable], challenger.challenger)
    contest = replace(contest, not_recalled=left_out)
    if not usable:
        return contest
    models = {each.entry.challenger: each.entry.model for each in usable} | {challenger.challenger: challenger.model}
    mixed = tuple(Served(model=models[name], challenger=name, weight=weight) for name, weight in weights)
    recalled = tuple(Recalled(version=each.entry.model.version, trained_to=each.trained_to) for each in usable)
    return replace(_mixing(contest, mixed, loaded), recalled=recalled)


def _loadable(
    registry: Registry, declaration: Declaration, past: Sequence[Past], pool: Pool
) -> tuple[dict[str, Fitted], tuple[NotRecalled, ...]]:
    """The models with the largest weights by challenger, and those that had to be left out for the next ones."""
    loaded: dict[str, Fitted] = {}
    left_out: list[NotRecalled] = []
    known = None if pool.left_out is None else {each.version: each for each in pool.left_out}
    for each in sorted(past, key=lambda each: -each.weight):
        if len(loaded) == RECALLED:
            break
        model = each.entry.model
        if known is not None and model.version in known:
            left_out.append(known[model.version])
            continue
        try:
            loaded[each.entry.challenger] = scorable(registry, declaration, model, pool.judging)
        except ModelUnloadable as why:
            if known is not None:
                raise
            left_out.append(NotRecalled(version=model.version, why=in_short(why)))
    return loaded, tuple(left_out)


def _mixing(contest: Contest, mixed: tuple[Served, ...], loaded: dict[str, Fitted]) -> Contest:
    """loaded: the members besides the challenger."""
    models = {**loaded, contest.challenger_entry.challenger: contest.challenger}
    mixture = Serving(tuple(models[each.challenger] for each in mixed), tuple(each.weight for each in mixed))
    return replace(contest, mixture=mixture, mixed=mixed)
