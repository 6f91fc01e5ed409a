"""The age rule: a model that has been live long enough may be replaced by one that is no worse."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.evaluation.figures import figure, percent
from perennial.evaluation.intervals.student_t import p_at_most
from perennial.evaluation.policies.case import Case

SHARE_OF_SKILL = 0.05
SHARE_OF_VALUE = 0.02
"""The margin is also at most this share of the champion's own value: if a constant is far worse than any model, 5 % of
the skill could be a fifth of the loss."""


@dataclass(frozen=True)
class Refresh:
    """Whether the age rule lets the challenger pass, with the reason in a sentence; empty if a refresh is not due."""

    passes: bool
    sentence: str


def refresh(case: Case, alpha: float) -> Refresh:
    """Passes if a refresh is due and the challenger is no worse: not proven worse, and proven non-inferior.

    Non-inferior: worse by less than 5 % of the champion's skill over the base rate, and by less than 2 % of the
    champion's value, at `alpha`.
    """
    primary = case.primary
    if not case.refresh_is_due or primary.gain is None or primary.se is None or primary.df is None:
        return Refresh(False, "")
    age = f"Nothing was released for {case.days_since_release:.0f} days (refresh after {case.refresh_after_days:.0f})"
    if case.is_worse:
        return Refresh(
            False, f"{age}, but {case.candidate.replace('the ', 'a ')} that is proven worse replaces nothing."
        )
    if case.champion_skill is None or case.champion_skill <= 0:
        return Refresh(
            False, f"{age}, but the champion is no better than the base rate, so only a proven gain replaces it."
        )
    margin, what = SHARE_OF_SKILL * case.champion_skill, "skill over the base rate"
    share = SHARE_OF_SKILL
    if primary.champion is not None and SHARE_OF_VALUE * abs(primary.champion) < margin:
        margin, what, share = SHARE_OF_VALUE * abs(primary.champion), f"own {primary.name}", SHARE_OF_VALUE
    allowed = f"{figure(margin, 3)}, which is {percent(share)} of the champion's {what}"
    if p_at_most(primary.gain, primary.se, primary.df, -margin) < alpha:
        return Refresh(True, f"{age}, and {case.candidate} is not worse by more than {allowed}.")
    return Refresh(False, f"{age}, but {case.candidate} may be worse by more than {allowed}.")
