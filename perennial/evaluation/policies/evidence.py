"""The primary metric's evidence in one sentence.

Decisions record these sentences and `replay` compares them, here and in every other policy: keep their words.
"""

from __future__ import annotations

from perennial.evaluation.figures import chance, change, figure, interval_in_words, percent, sample
from perennial.evaluation.intervals.mde import minimal_detectable_effect
from perennial.evaluation.intervals.student_t import lower_bound
from perennial.evaluation.policies.case import Case


def evidence(case: Case) -> str:
    """The result on the deciding metric with its interval and sample, written for a manager."""
    primary = case.primary
    seen_on = sample(case.rows, case.clusters, case.cluster_by)
    other = "the naive baseline" if case.is_first else "the champion"
    values = f"{primary.name} {figure(primary.challenger)}, {other} {figure(primary.champion)}"
    if primary.verdict == "not_decidable" or primary.p_value is None:
        return f"Not decidable on {seen_on}: {primary.note} ({case.candidate}'s {values}).{_what_helps(case)}"
    verdict = (
        f"better than {other}{_by_more(case)}"
        if case.is_better
        else f"worse than {other}"
        if case.is_worse
        else f"not shown to be better than {other}{_by_more(case)}"
        if case.min_gain and not case.is_first
        else f"not shown to be better or worse than {other}"
    )
    sentence = (
        f"{case.candidate.capitalize()} is {verdict} on {seen_on}: {values}, gain {change(primary.gain)}{_bound(case)} "
        f"({interval_in_words(primary.ci_low, primary.ci_high, change)}, one-sided p {chance(case.p_value)})."
    )
    if case.is_better or case.is_worse or not primary.se or not primary.df or not case.alpha:
        return sentence
    visible = minimal_detectable_effect(primary.se, primary.df, alpha=case.alpha)
    if not case.is_first:
        visible += case.min_gain
    return f"{sentence} A true gain of {figure(visible, 3)} would have been found in 4 of 5 such samples."


def _by_more(case: Case) -> str:
    asked = case.min_gain and not case.is_first
    return f" by more than the {figure(case.min_gain, 3)} that release.min_gain asks for" if asked else ""


def _bound(case: Case) -> str:
    """The bound that was tested, which a two-sided interval at 95 % does not show."""
    primary = case.primary
    if not case.alpha or primary.gain is None or primary.se is None or primary.df is None:
        return ""
    bound = lower_bound(primary.gain, primary.se, primary.df, case.alpha)
    return f", at least {change(bound)} at {percent(case.alpha)}"


def _what_helps(case: Case) -> str:
    if not case.will_not_come:
        return ""
    return (
        " It is not decidable in time either: waiting brings rows, not clusters. What would help: rows that"
        f" cover more of {case.cluster_by}, or, as evaluation.cluster_by, a column of more groups that do not"
        " depend on each other."
    )
