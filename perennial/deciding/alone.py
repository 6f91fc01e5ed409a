"""The second step of a mixture: whether the challenger alone is better than the mixture that passed.

The two are tested in a fixed order, each at the level of the decision: the second is only looked at if the first
passes, so both together err no more often than one. Source: Maurer, Hothorn & Lehmacher (1995), Multiple comparisons in
drug clinical trials and preclinical assays: a-priori ordered hypotheses.
"""

from __future__ import annotations

from dataclasses import replace

from perennial.evaluation.figures import chance, change, figure, interval_in_words
from perennial.evaluation.guards import GuardFinding
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.policies.case import Ruling
from perennial.evaluation.reason import ALONE_IS_BETTER
from perennial.evaluation.results import MetricResult


def passed(ruling: Ruling) -> bool:
    """Whether the mixture is released, or would be by a person, so that the challenger alone is looked at."""
    return ruling.outcome in ("release", "held")


def is_better(ruling: Ruling, against_mixture: MetricResult) -> bool:
    """Whether the challenger is proven better than the mixture, at the level of the decision and at most 5 %."""
    p_value = against_mixture.p_value
    return p_value is not None and p_value < min(ruling.tested_at, ALPHA)


def with_alone(ruling: Ruling, against_mixture: MetricResult, guards: GuardFinding | None) -> tuple[Ruling, bool]:
    """The ruling with a sentence about the challenger alone, and whether it is to be live alone.

    guards: of the challenger alone against what is live; None if it is not proven better than the mixture.
    """
    result = against_mixture
    if result.p_value is None:
        return _added(ruling, f"The challenger alone cannot be compared with the mixture: {result.note}."), False
    numbers = (
        f"{result.name} {figure(result.challenger)} instead of {figure(result.champion)}, gain {change(result.gain)}, "
        f"{interval_in_words(result.ci_low, result.ci_high, change)}, one-sided p {chance(result.p_value)}"
    )
    if guards is None:
        sentence = (
            f"The challenger alone is not shown to be better than the mixture ({numbers}), so the mixture is preferred."
        )
        return _added(ruling, sentence), False
    better = f"{ALONE_IS_BETTER} ({numbers})"
    if guards.status != "passed":
        why = " ".join(guards.sentences)
        return _added(ruling, f"{better}, but alone it does not pass, so the mixture is preferred: {why}"), False
    checked = " and passes its guards" if guards.sentences else ""
    return _added(ruling, f"{better}{checked}, so it is preferred alone."), True


def _added(ruling: Ruling, sentence: str) -> Ruling:
    return replace(ruling, reasons=(*ruling.reasons, sentence))
