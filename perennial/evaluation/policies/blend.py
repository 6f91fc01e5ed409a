"""The tested champion and the newest refit are live at 50 % each, or the champion alone if the refit is risky."""

from __future__ import annotations

from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.policies.blending import decide_by_blending
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.policy import ReleasePolicy


def decide(case: Case) -> Ruling:
    """Rule by blending, with a tested champion that is replaced where the challenger is proven better at 5 %."""
    return decide_by_blending(case, 1 - ALPHA)


POLICY = ReleasePolicy(
    "blend",
    decide,
    "half of what was tested and half of the newest refit are live",
    mixes=True,
    allows_patience=False,
)
