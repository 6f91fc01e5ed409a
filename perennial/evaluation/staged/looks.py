"""Planned looks at labels: when one is due, at what level, and whether the candidate is proven worse.

The offline decision already showed that the candidate is no worse, so these looks search for harm: one-sided, against
"not worse". All looks of a stage together err at 4 % in the primary metric, or the value, and at 1 % in all guards,
with Lan & DeMets' O'Brien–Fleming spending. With the tests of `counts`, a stage then stops a model that is no worse in
5 to 7 % of simulated cases (benchmarks/staged.py); with 5 % here it would be about 8 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from perennial.evaluation.comparison import compare
from perennial.evaluation.figures import UNITS, chance, change, figure, interval_in_words, percent, sample
from perennial.evaluation.intervals.mde import MIN_CLUSTERS, minimal_detectable_effect
from perennial.evaluation.intervals.student_t import p_at_most
from perennial.evaluation.paired import Paired
from perennial.evaluation.patience import nominal_level, obrien_fleming
from perennial.evaluation.results import MetricResult
from perennial.evaluation.staged.evidence import Evidence
from perennial.evaluation.staged.results import Finding

ALPHA = 0.04
OF_GUARDS = 0.01
BETWEEN_LOOKS = 7


@dataclass(frozen=True)
class Due:
    """A planned look that is due now. information: the share of what is planned, above 0 and at most 1; looks: that of
    all looks so far, this one last."""

    information: float
    looks: tuple[float, ...]

    def level(self, alpha: float) -> float:
        """The one-sided level of this look, such that all looks together err at `alpha`."""
        return _level(alpha, self.looks)


@cache
def _level(alpha: float, looks: tuple[float, ...]) -> float:
    return nominal_level(alpha, looks, obrien_fleming)


def planned_look_days(planned_days: float) -> tuple[float, ...]:
    """The days of labels at which a stage looks: the first 15, then weekly, and its end.

    >>> planned_look_days(28), planned_look_days(15), planned_look_days(7)
    ((15.0, 22.0, 28.0), (15.0,), (7.0,))
    """
    weekly = np.arange(MIN_CLUSTERS, planned_days, BETWEEN_LOOKS, dtype=float)
    return (*weekly.tolist(), float(planned_days))


def due(evidence: Evidence, clusters: int, cluster_by: str) -> Due | None:
    """The look that is due with `clusters` clusters of labels; None if none is, or the last one was taken.

    A look before the end needs 15 days of labels, and 7 more than the look before it. The last one, at the end of the
    planned time, uses whatever labels are known and what is left of α.
    """
    before = evidence.looks
    if before and before[-1] >= 1:
        return None
    if evidence.is_over:
        return Due(1.0, (*before, 1.0))
    days = float(clusters) if cluster_by == "day" else evidence.elapsed_days
    newest = round(before[-1] * evidence.planned_days, 6) if before else MIN_CLUSTERS - BETWEEN_LOOKS
    if days - newest < BETWEEN_LOOKS or days >= evidence.planned_days:
        return None
    return Due(days / evidence.planned_days, (*before, days / evidence.planned_days))


def harm_in_metrics(pairs: Paired, evidence: Evidence, look: Due) -> tuple[Finding, ...]:
    """Whether the candidate is proven worse in the primary metric or a guard, one finding for each.

    A guard with a margin may be worse by it. Raises ComparisonFailed if a label or prediction is missing or infinite.
    """
    results = compare(pairs, metrics=evidence.metrics)
    guards = sum(result.role == "guard" for result in results)
    findings = []
    for result in results:
        if result.role == "info":
            continue
        alpha = ALPHA if result.role == "primary" else OF_GUARDS / guards
        findings.append(_finding(result, pairs, look.level(alpha)))
    return tuple(findings)


def _finding(result: MetricResult, pairs: Paired, level: float) -> Finding:
    rows = sample(pairs.y.size, pairs.clusters.counts.size, pairs.clusters.name)
    counts = tuple(pairs.clusters.counts.tolist())
    if result.verdict == "not_decidable" or result.gain is None or result.se is None or result.df is None:
        return Finding(
            check=result.name,
            verdict="not_decidable",
            sentence=f"{_named(result)} cannot be compared on {rows}: {result.note}.",
            n=pairs.y.size,
            estimate=result.gain,
            sums=result.sums,
            counts=counts,
        )
    margin = (result.margin or 0.0) if result.role == "guard" else 0.0
    critical = critical_t(level, result.df)
    same = result.note == "the two models predict the same"
    p = 0.5 if same else p_at_most(-result.gain, result.se, result.df, margin)
    statistic = 0.0 if same or result.se == 0 else (-result.gain - margin) / result.se
    is_harm = p < level
    detectable = minimal_detectable_effect(result.se, result.df, alpha=level) + margin
    worse = f"worse by more than its margin {figure(margin, 3)}" if margin else "worse"
    return Finding(
        check=result.name,
        verdict="harm" if is_harm else "passed",
        sentence=(
            f"{_named(result)} of the candidate is {'' if is_harm else 'not '}proven {worse} on {rows}: "
            f"{figure(result.challenger)}, champion {figure(result.champion)}, gain {change(result.gain)} "
            f"({interval_in_words(result.ci_low, result.ci_high, change)}, p of harm {chance(p)}, "
            f"level of this look {percent(level)}). {could_have_been_found(detectable)}"
        ),
        n=pairs.y.size,
        statistic=statistic,
        threshold=critical,
        estimate=result.gain,
        low=result.ci_low,
        high=result.ci_high,
        detectable=detectable,
        sums=result.sums,
        counts=counts,
    )


def could_have_been_found(harm: float) -> str:
    """What a look that found nothing would have found."""
    return f"A true loss of {figure(harm, 3)} would have been found in 4 of 5 such samples."


def critical_t(level: float, df: float) -> float:
    """The Student t that a one-sided test at `level` has to reach."""
    from scipy import special

    return float(special.stdtrit(df, 1 - level))


def _named(result: MetricResult) -> str:
    return f"Guard {result.name}" if result.role == "guard" else result.name


def nothing_due(evidence: Evidence, check: str, clusters: int, cluster_by: str) -> Finding:
    """Why labels are not looked at now."""
    seen = f"{clusters:,} {UNITS[cluster_by][clusters != 1]}" if cluster_by in UNITS else f"{clusters:,} clusters"
    if not evidence.looks and clusters < MIN_CLUSTERS:
        return Finding(
            check=check,
            verdict="not_decidable",
            sentence=f"{check} is not compared yet: {seen} of labels; the first look needs {MIN_CLUSTERS}.",
            n=0,
        )
    return Finding(
        check=check,
        verdict="information",
        sentence=(
            f"{check} is compared only at the planned looks, {BETWEEN_LOOKS} days apart; {len(evidence.looks)} taken, "
            f"now {seen} of labels."
        ),
        n=0,
    )
