"""What the declared policy makes of a comparison, and what it is told of earlier decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from perennial.clock import instant
from perennial.evaluation.budget import Taken
from perennial.evaluation.figures import UNITS
from perennial.evaluation.guards import guard
from perennial.evaluation.intervals.cluster_interval import will_not_come
from perennial.evaluation.intervals.pooled import Inflation, inflation
from perennial.evaluation.intervals.student_t import lower_bound
from perennial.evaluation.policies import load_policy
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.results import Evaluation, Flips, MetricResult, Pool, SliceResult
from perennial.ledger.entries import ChallengerEntry, Decision, Release
from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.spelling import amount_of

USUAL_DECISIONS_A_YEAR = 12
"""Where neither the declaration nor its batches say; policies that share a year's budget need it stated."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison found. metrics: the primary first. champion_skill: over the base rate, None without any."""

    metrics: tuple[MetricResult, ...]
    evaluation: Evaluation
    champion_skill: float | None
    slices: tuple[SliceResult, ...] = ()
    flips: Flips | None = None


@dataclass(frozen=True)
class DecisionContext:
    """What is to be ruled on: which challenger, when, against which release (None: nothing serves), and why then.

    pool: whether an event had asked for the challenger. looks: at it so far and this one, see `looks_at`.
    """

    challenger: str
    release: Release | None
    as_of: str
    pool: Pool
    looks: tuple[float, ...] = ()


def rule(rules: ReleaseRules, found: Comparison, question: DecisionContext, history: Sequence[Decision]) -> Ruling:
    """The declared policy's answer. history: every decision before."""
    evaluation, release, primary = found.evaluation, question.release, found.metrics[0]
    return load_policy(rules.policy)(
        Case(
            primary=primary,
            guards=guard(found.metrics, slices=found.slices, flips=found.flips),
            rows=evaluation.rows,
            clusters=evaluation.clusters,
            cluster_by=evaluation.cluster_by,
            will_not_come=will_not_come(np.array(evaluation.cluster_rows), evaluation.cluster_by, primary.second),
            is_first=release is None,
            champion_skill=found.champion_skill,
            days_since_release=_days(release, question.as_of),
            min_gain=amount_of(rules.min_gain, primary.champion),
            refresh_after_days=rules.refresh_after.total_seconds() / 86400,
            looks=question.looks,
            gains=_gains(settled(history, question.challenger), primary),
            year=instant(question.as_of).year,
            pool=question.pool,
            taken=taken_before(history),
            planned_decisions=rules.decisions_a_year or USUAL_DECISIONS_A_YEAR,
            event_decisions=rules.event_decisions_a_year,
        )
    )


def gain_bound(primary: MetricResult, level: float) -> float | None:
    """What the gain is above at one-sided `level`; None where nothing could be decided or released."""
    if primary.gain is None or primary.se is None or primary.df is None or not level:
        return None
    return lower_bound(primary.gain, primary.se, primary.df, level)


def settled(history: Sequence[Decision], challenger: str) -> list[Decision]:
    """Earlier decisions whose rows no other shares: of each earlier challenger the last look, of this one none."""
    last = {decision.challenger_id: decision for decision in history}
    return [d for d in history if d.challenger_id != challenger and last[d.challenger_id] is d]


def looks_at(
    entry: ChallengerEntry, history: Sequence[Decision], patience: timedelta | None, as_of: str
) -> tuple[float, ...]:
    """The looks at a challenger so far and this one, each as the share of the patience that had passed by then."""
    if patience is None:
        return ()
    before = next((d.policy.looks for d in reversed(history) if d.challenger_id == entry.challenger), ())
    passed = min(1.0, (instant(as_of) - instant(entry.as_of)) / patience)
    return (*before, max(passed, *before) if before else passed)


def seen_before(history: Sequence[Decision], metric: str, code: str, cluster_by: str) -> Inflation | None:
    """What earlier decisions between two models show of how alike a metric's neighbouring clusters are.

    code: of a team's own metric. Decisions by a metric of that name with another code show nothing of this one.
    """
    return inflation(clusters_before(history, metric, code, cluster_by)) if cluster_by in UNITS else None


def clusters_before(
    history: Sequence[Decision], metric: str, code: str, cluster_by: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each earlier decision between two models the metric's sums and rows by cluster, shapes (T,)."""
    return [
        (np.array(found.sums), np.array(decision.evaluation.cluster_rows))
        for decision in history
        if decision.release_no and decision.evaluation.cluster_by == cluster_by
        for found in decision.metrics
        if (found.name, found.own_code) == (metric, code) and found.sums
    ]


def taken_before(history: Sequence[Decision]) -> tuple[Taken, ...]:
    """Decisions that could err: against a champion, and with a test."""
    return tuple(
        Taken(
            instant(decision.as_of).year,
            decision.policy.pool,
            decision.policy.alpha,
        )
        for decision in history
        if decision.release_no and decision.metrics and decision.metrics[0].p_value is not None
    )


def _gains(history: Sequence[Decision], primary: MetricResult) -> tuple[float, ...]:
    """Of earlier decisions between two models by that primary metric, with the same code."""
    judged = [decision.metrics[0] for decision in history if decision.release_no and decision.metrics]
    asked = (primary.name, primary.own_code)
    return tuple(found.gain for found in judged if found.gain is not None and (found.name, found.own_code) == asked)


def _days(release: Release | None, as_of: str) -> float | None:
    return (instant(as_of) - instant(release.as_of)).total_seconds() / 86400 if release else None
