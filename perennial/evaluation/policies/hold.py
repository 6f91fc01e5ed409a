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

    A first model that beats the naive baseline is released: otherwise nothing would serve.
    """
    if case.is_first:
        return decide_first(case)
    ruling = balanced.decide(case)
    open_to_a_person = case.refresh_is_due and case.primary.p_value is not None and case.guards.status == "passed"
    if ruling.outcome == "release" or (ruling.outcome == "undecided" and open_to_a_person):
        return replace(ruling, outcome="held", reasons=(*ruling.reasons, A_PERSON_DECIDES))
    return ruling


POLICY = ReleasePolicy("hold", decide, "a person releases, by perennial approve")
