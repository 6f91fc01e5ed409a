"""Two live models: half of the tested champion, and half of the newest refit, which was not tested."""

from __future__ import annotations

from perennial.evaluation.figures import chance, figure, percent
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.evidence import evidence
from perennial.evaluation.policies.first import decide_first
from perennial.evaluation.results import Outcome

REFIT_WEIGHT = 0.5
FEARED = 0.2
"""If the challenger is better with less than this probability, its refit gets no weight."""
BLENDED = f"What serves is {percent(1 - REFIT_WEIGHT)} what was tested, {percent(REFIT_WEIGHT)} its newest refit."


def decide_by_blending(case: Case, sure: float, *, because: str = "") -> Ruling:
    """Rule on one challenger, whose refit on the newest rows is about to be trained.

    sure: the probability (1 − p) of being better from which the challenger becomes the tested champion.

    | primary metric | tested champion | live |
    |---|---|---|
    | better with more than `sure`, and guards pass | the challenger | half of it, half its refit |
    | better with less than 20 % | stays | it alone |
    | a guard blocks | stays | it alone |
    | else | stays | half of it, half the refit |

    For a convex loss the mixture loses at most the mean of both, so the untested refit can cost at most half of what
    releasing it would. A first model is ruled on by `decide_first`, and blended in the same way.
    Source: our own replays; the bound is Jensen's inequality.
    """
    if case.is_first:
        first = decide_first(case)
        return Ruling(first.outcome, first.reasons, refit_weight=REFIT_WEIGHT if first.outcome == "first" else 0.0)
    seen, p_value, p_useful = evidence(case), case.primary.p_value, case.p_value
    if p_value is None or p_useful is None:
        return Ruling("undecided", (seen, BLENDED), 1 - sure, refit_weight=REFIT_WEIGHT)
    better = 1 - p_value
    probability = f"{case.candidate.capitalize()} is better with probability {chance(better)}"
    if 1 - p_useful > sure:
        if case.guards.status == "passed":
            gains = f"gains more than {figure(case.min_gain, 3)} with probability {chance(1 - p_useful)}"
            seen_as = f"{case.candidate.capitalize()} {gains}" if case.min_gain else probability
            sentence = f"{seen_as}, more than {percent(sure)}{because}: it is the tested champion now."
            reasons = (seen, sentence, BLENDED, *case.guards.sentences)
            return Ruling("release", reasons, alpha=1 - sure, refit_weight=REFIT_WEIGHT)
        alone = () if case.guards.status == "undecided" else ("What was tested serves alone.",)
        weight = REFIT_WEIGHT if case.guards.status == "undecided" else 0.0
        return Ruling(case.guards.status, (seen, *case.guards.sentences, *alone), 1 - sure, refit_weight=weight)
    if better < FEARED or case.guards.status == "blocked":
        why = f"{probability}, less than {percent(FEARED)}" if better < FEARED else " ".join(case.guards.sentences)
        outcome: Outcome = "keep" if case.is_worse else "undecided"
        return Ruling(outcome, (seen, f"{why}: what was tested serves alone."), 1 - sure, refit_weight=0.0)
    return Ruling("undecided", (seen, f"{probability}. {BLENDED}"), 1 - sure, refit_weight=REFIT_WEIGHT)
