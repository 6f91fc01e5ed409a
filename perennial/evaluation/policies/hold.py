"""A person decides: nothing that serves is replaced by itself."""

from __future__ import annotations

from dataclasses import replace

from perennial.evaluation.policies import balanced
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.first import decide_first
from perennial.evaluation.policies.policy import ReleasePolicy

A_PERSON_DECIDES = "The policy is hold: a person decides whether it is released."


def decide(case: Case) -> Ruling:
    """As `balanced`, but where that would release, or a refresh is due and nothing speaks against it: held.

    A first model that beats the naive baseline waits for a person too.
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


POLICY = ReleasePolicy("hold", decide, "a person releases, by approving the decision")
