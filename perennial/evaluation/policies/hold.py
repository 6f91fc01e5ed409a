"""A person decides: the live model is never replaced automatically."""

from __future__ import annotations

from dataclasses import replace

from perennial.evaluation.policies import balanced
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.first import decide_first
from perennial.evaluation.policies.policy import ReleasePolicy

A_PERSON_DECIDES = "The policy is hold: a person decides whether it is released."


def decide(case: Case) -> Ruling:
    """Like `balanced`, but held if that would release, or if a refresh is due and nothing speaks against it.

    A first model that beats the naive baseline is held too.
    """
    if case.is_first:
        first = decide_first(case)
        return first if first.outcome != "first" else _held(first)
    ruling = balanced.decide(case)
    open_to_a_person = case.refresh_is_due and case.primary.p_value is not None and case.guards.status == "passed"
    if ruling.outcome == "release" or (ruling.outcome == "undecided" and open_to_a_person):
        return _held(ruling)
    return ruling


def _held(ruling: Ruling) -> Ruling:
    return replace(ruling, outcome="held", reasons=(*ruling.reasons, A_PERSON_DECIDES))


POLICY = ReleasePolicy("hold", decide, "a person releases, by approving the decision", in_families=True)
