"""In a year with no real improvement, at most about a 1-in-20 chance that a new model is released anyway."""

from __future__ import annotations

from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.yearly import decide_by_share

A_YEAR = 0.05


def decide(case: Case) -> Ruling:
    """Rule by a share of 5 % a year.

    Its price: a gain is taken later, by up to 1.3 months where decisions are monthly, and small ones never.
    """
    return decide_by_share(case, A_YEAR)
