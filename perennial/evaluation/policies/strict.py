"""In five years with no real improvement, at most about a 1-in-20 chance that a new model is released anyway."""

from __future__ import annotations

from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.policy import ReleasePolicy
from perennial.evaluation.policies.yearly import decide_by_share

HORIZON_YEARS = 5
A_YEAR = 0.05 / HORIZON_YEARS


def decide(case: Case) -> Ruling:
    """Rule by a share of 5 % over five years, a fifth per year. The cost: under a quarter of the gains is realised."""
    return decide_by_share(case, A_YEAR)


POLICY = ReleasePolicy("strict", decide, "proven better, at a share of 5 % for five years' decisions", a_year=A_YEAR)
