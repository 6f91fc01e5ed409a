"""The first model: it has no champion to beat, so it must beat the naive baseline."""

from __future__ import annotations

from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.evidence import evidence


def decide_first(case: Case) -> Ruling:
    """Released if proven better than the base rate (or mean, or median) and no guard blocks.

    A guard that cannot be decided is reported but does not stop a first model, since no other model is live.
    """
    seen = evidence(case)
    if case.is_better:
        blocked = case.guards.status == "blocked"
        return Ruling("blocked" if blocked else "first", (seen, *case.guards.sentences))
    if case.is_worse:
        return Ruling("keep", (seen, "Nothing serves yet, and a model worse than a constant does not start."))
    return Ruling("undecided", (seen, "Nothing serves yet; a first model must be proven better than a constant."))
