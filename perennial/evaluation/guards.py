"""Guard metrics, which a release must not make worse by more than their margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perennial.evaluation.figures import change, figure, interval_in_words, percent, within
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.intervals.student_t import p_at_most
from perennial.evaluation.metrics import NEGATIVE_FLIPS
from perennial.evaluation.results import Estimate, Flips, MetricResult, SliceResult
from perennial.evaluation.slices import slices_in_words

FINEST_MARGIN = 4.0  # in standard errors: at 3, a guard at 5 % blocks 10–24 % of good models


@dataclass(frozen=True)
class GuardFinding:
    """The guards' combined status, and one sentence for each.

    status: passed; blocked if any guard blocks; undecided if none blocks and one cannot be decided.
    """

    status: Literal["passed", "blocked", "undecided"] = "passed"
    sentences: tuple[str, ...] = ()


def guard(
    metrics: Sequence[MetricResult],
    *,
    slices: Sequence[SliceResult] = (),
    flips: Flips | None = None,
    candidate: str = "the challenger",
) -> GuardFinding:
    """The finding for those of `metrics` that are guards. All must pass, so each is tested at 5 %.

    A guard passes if the loss is proven smaller than its margin. A margin under 4 standard errors is finer than these
    rows can resolve and would block good models. Such a guard blocks only if the challenger is proven worse at
    5 % / number of guards, and its sentence states that.

    A guard with an absolute bound (at_least, at_most) blocks if the challenger's value is beyond it, unless the
    challenger is proven better by this metric than the live model. Slices block if harm is proven on one of them.
    Flips block if the share of newly wrong rows is larger than `flips.at_most`.
    candidate: what is compared, in words.
    """
    guards = [result for result in metrics if result.role == "guard"]
    findings = [
        _bound(result, candidate)
        if result.at_least is not None or result.at_most is not None
        else _guard_by(result, ALPHA / len(guards))
        for result in guards
    ]
    if slices:
        findings.append(slices_in_words(slices))
    if flips is not None and flips.negative is not None and flips.at_most is not None:
        findings.append(_flips(flips, flips.negative, flips.at_most))
    stati = {status for status, _ in findings}
    status: Literal["passed", "blocked", "undecided"] = (
        "blocked" if "blocked" in stati else "undecided" if "undecided" in stati else "passed"
    )
    return GuardFinding(status, tuple(sentence for _, sentence in findings))


def _bound(result: MetricResult, candidate: str) -> tuple[str, str]:
    if result.challenger is None or result.of_challenger is None:
        return "undecided", f"Guard {result.name} cannot be decided: {result.note}."
    low, high = result.of_challenger.ci_low, result.of_challenger.ci_high
    bound = (
        f"at least {figure(result.at_least)}" if result.at_least is not None else f"at most {figure(result.at_most)}"
    )
    beyond = (result.at_least is not None and result.challenger < result.at_least) or (
        result.at_most is not None and result.challenger > result.at_most
    )
    value = f"{candidate}'s {figure(result.challenger)} ({interval_in_words(low, high)})"
    if not beyond:
        return "passed", f"Guard {result.name} passes: {value} is {bound}."
    if result.verdict == "better":
        return "passed", (
            f"Guard {result.name} passes: {value} is not {bound}, but proven better than the {figure(result.champion)} "
            f"of what serves."
        )
    return "blocked", f"Guard {result.name} blocks: {value} is not {bound}."


def _flips(flips: Flips, negative: Estimate, most: float) -> tuple[str, str]:
    beyond = negative.share > most
    return (
        "blocked" if beyond else "passed",
        f"Guard {NEGATIVE_FLIPS} {'blocks' if beyond else 'passes'}: {percent(negative.share)}"
        f"{within(negative, percent)} of {flips.rows:,} rows are newly wrong; at most {percent(most)} may be.",
    )


def _guard_by(result: MetricResult, alpha_each: float) -> tuple[str, str]:
    if result.verdict == "not_decidable" or result.gain is None or result.se is None or result.df is None:
        return "undecided", f"Guard {result.name} cannot be decided: {result.note}."
    gain, se, df, margin = result.gain, result.se, result.df, result.margin
    seen = f"gain {change(gain)}, {interval_in_words(result.ci_low, result.ci_high, change)}"
    if margin is not None and margin >= FINEST_MARGIN * se:
        if p_at_most(gain, se, df, -margin) < ALPHA:
            return "passed", f"Guard {result.name} passes: not worse by more than {figure(margin, 3)} ({seen})."
        return "blocked", f"Guard {result.name} blocks: it may be worse by more than {figure(margin, 3)} ({seen})."
    fallback = (
        "it has no margin"
        if margin is None
        else f"its margin {figure(margin, 3)} is under 4 standard errors of {figure(se, 3)}"
    )
    worse = p_at_most(-gain, se, df, 0.0) < alpha_each
    return (
        "blocked" if worse else "passed",
        f"Guard {result.name} {'blocks' if worse else 'passes'}: {fallback}, so it blocks only what is proven worse "
        f"at {percent(alpha_each)}; this is {'' if worse else 'not '}({seen}).",
    )
