"""Decisions of a fleet that are taken together: what each is tested with, and the ruling at its level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perennial.deciding.groups import with_bias
from perennial.deciding.ruling import Comparison, DecisionContext, gain_bound, rule
from perennial.evaluation.policies.case import p_of_gain
from perennial.evaluation.results import InFamily
from perennial.identity import short_id
from perennial.ledger.entries import Decision, Family, Release, Tested
from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.spelling import amount_of


def tested(decision: Decision) -> Tested | None:
    """The test of a decision against a champion; None for a first model, and if nothing could be decided."""
    if not decision.release_no:
        return None
    rules, primary = ReleaseRules.model_validate(decision.policy.parameters), decision.metrics[0]
    p_value = p_of_gain(primary, amount_of(rules.min_gain, primary.champion, decision.champion_skill))
    return None if p_value is None else Tested(usecase=decision.usecase, decision=decision.id, p_value=p_value)


def family_of(template: str, fdr: float, tests: Iterable[Tested]) -> Family:
    """The family of these tests, whatever their order."""
    ordered = tuple(sorted(tests, key=lambda each: each.usecase))
    name = short_id([template, fdr, [each.model_dump(mode="json") for each in ordered]])
    return Family(family=name, template=template, fdr=fdr, tests=ordered)


def having(families: Iterable[Family], usecase: str, decision: str) -> Family | None:
    """The first family that a decision is in: a run that comes later changes no level."""
    return next((each for each in families if each.has(usecase, decision)), None)


def ruled_in(decision: Decision, family: InFamily, release: Release | None, history: Sequence[Decision]) -> Decision:
    """The decision, as taken alone, ruled on again at its level in a family. history: all earlier decisions."""
    primary = decision.metrics[0]
    ruling = rule(
        ReleaseRules.model_validate(decision.policy.parameters),
        Comparison(decision.metrics, decision.evaluation, decision.champion_skill, decision.slices, decision.flips),
        DecisionContext(decision.challenger_id, release, decision.as_of, decision.policy.pool, family=family),
        history,
    )
    policy = {
        "alpha": ruling.alpha,
        "level": ruling.tested_at,
        "lower_bound": gain_bound(primary, ruling.tested_at),
    }
    again = {
        "outcome": ruling.outcome,
        "reasons": ruling.reasons,
        "policy": decision.policy.model_copy(update=policy),
        "family": family,
    }
    return with_bias(decision.model_copy(update=again), decision.bias)
