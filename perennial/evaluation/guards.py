"""Guard metrics: a release must not make them worse by more than their margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perennial.evaluation.figures import between, change, figure, percent
from perennial.evaluation.mde import ALPHA
from perennial.evaluation.results import MetricResult
from perennial.evaluation.student_t import p_at_most

FINEST_MARGIN = 4.0  # in standard errors: at 3, a guard at 5 % blocks 10–24 % of good models


@dataclass(frozen=True)
class GuardFinding:
    """What the guards say together, and each in a sentence.

    status: passed; blocked if any of them blocks; undecided if none blocks and one cannot be decided.
    """

    status: Literal["passed", "blocked", "undecided"] = "passed"
    sentences: tuple[str, ...] = ()


def guard(metrics: Sequence[MetricResult], *, alpha: float = ALPHA) -> GuardFinding:
    """The finding on those of `metrics` that are guards. All must pass, so each may err at `alpha`.

    A guard passes where the loss is proven smaller than its margin. A margin under 4 standard errors is
    finer than these rows can show and would block good models: there a guard blocks only where the
    challenger is proven worse at alpha/number of guards, and says so.
    """
    guards = [result for result in metrics if result.role == "guard"]
    found = [_guard_by(result, alpha, alpha / len(guards)) for result in guards]
    stati = {status for status, _ in found}
    status: Literal["passed", "blocked", "undecided"] = (
        "blocked" if "blocked" in stati else "undecided" if "undecided" in stati else "passed"
    )
    return GuardFinding(status, tuple(sentence for _, sentence in found))


def _guard_by(result: MetricResult, alpha: float, alpha_each: float) -> tuple[str, str]:
    if result.verdict == "not_decidable" or result.gain is None or result.se is None or result.df is None:
        return "undecided", f"Guard {result.name} cannot be decided: {result.note}."
    gain, se, df, margin = result.gain, result.se, result.df, result.margin
    seen = f"gain {change(gain)}, 95 % interval {between(result.ci_low, result.ci_high)}"
    if margin is not None and margin >= FINEST_MARGIN * se:
        if p_at_most(gain, se, df, -margin) < alpha:
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
