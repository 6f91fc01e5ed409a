"""Applies the declared policy to a comparison, with what it needs from earlier decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from perennial.clock import instant
from perennial.evaluation.budget import Taken
from perennial.evaluation.figures import UNITS, percent
from perennial.evaluation.guards import guard
from perennial.evaluation.intervals.cluster_interval import will_not_come
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.intervals.pooled import Inflation, inflation
from perennial.evaluation.intervals.student_t import lower_bound
from perennial.evaluation.patience import next_looks
from perennial.evaluation.policies import load_policy
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.results import Evaluation, Flips, InFamily, MetricResult, Pool, SliceResult
from perennial.ledger.entries import ChallengerEntry, Decision, NotRecalled, Release
from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.spelling import amount_of

USUAL_DECISIONS_A_YEAR = 12
"""The default; policies that share a year's budget require it to be declared."""


@dataclass(frozen=True)
class Comparison:
    """The results of a comparison. metrics: the primary first. champion_skill: over the base rate, None without any."""

    metrics: tuple[MetricResult, ...]
    evaluation: Evaluation
    champion_skill: float | None
    slices: tuple[SliceResult, ...] = ()
    flips: Flips | None = None


@dataclass(frozen=True)
class DecisionContext:
    """What is ruled on: which challenger, when, and against which release (None: no model is live).

    pool: whether an event had requested the challenger. looks: at it so far and this one, see `looks_at`.
    mixture: the models that are evaluated in place of the challenger alone, in words; empty otherwise.
    not_recalled: past challengers that cannot be among them. family: what it is decided together with, if that is
    declared.
    """

    challenger: str
    release: Release | None
    as_of: str
    pool: Pool
    looks: tuple[float, ...] = ()
    mixture: str = ""
    not_recalled: tuple[NotRecalled, ...] = ()
    family: InFamily | None = None


def rule(rules: ReleaseRules, comparison: Comparison, question: DecisionContext, history: Sequence[Decision]) -> Ruling:
    """The declared policy's ruling. history: all earlier decisions."""
    evaluation, release, primary = comparison.evaluation, question.release, comparison.metrics[0]
    candidate = "the mixture" if question.mixture else "the challenger"
    ruling = load_policy(rules.policy)(
        Case(
            primary=primary,
            guards=guard(comparison.metrics, slices=comparison.slices, flips=comparison.flips, candidate=candidate),
            rows=evaluation.rows,
            clusters=evaluation.clusters,
            cluster_by=evaluation.cluster_by,
            will_not_come=will_not_come(np.array(evaluation.sizes), evaluation.cluster_by, primary.second),
            is_first=release is None,
            champion_skill=comparison.champion_skill,
            days_since_release=_days(release, question.as_of),
            min_gain=amount_of(rules.min_gain, primary.champion, comparison.champion_skill),
            refresh_after_days=rules.refresh_after.total_seconds() / 86400,
            alpha=question.family.level if question.family else ALPHA,
            looks=question.looks,
            gains=_gains(settled(history, question.challenger), primary),
            year=instant(question.as_of).year,
            pool=question.pool,
            taken=taken_before(history),
            planned_decisions=rules.decisions_a_year or USUAL_DECISIONS_A_YEAR,
            event_decisions=rules.event_decisions_a_year,
            candidate=candidate,
        )
    )
    mixture = [f"The mixture is {question.mixture}."] if question.mixture else []
    gone = [f"Version {each.version} is not recalled: {each.why}." for each in question.not_recalled]
    family = [_family_in_words(question.family)] if question.family else []
    seen, *others = ruling.reasons
    return replace(ruling, reasons=(seen, *family, *mixture, *gone, *others))


def _family_in_words(family: InFamily) -> str:
    together = (
        f"One of {family.size} decisions about {family.template} that were taken together"
        if family.size > 1
        else f"No other decision about {family.template} was taken together with this one"
    )
    return (
        f"{together}: a gain is proven at {percent(family.level)}, which is {family.rank}/{family.size} of "
        f"{percent(family.fdr)}, so that on average at most {percent(family.fdr)} of what is proven is no gain."
    )


def gain_bound(primary: MetricResult, level: float) -> float | None:
    """The one-sided lower bound of the gain at `level`; None if nothing could be decided or released."""
    if primary.gain is None or primary.se is None or primary.df is None or not level:
        return None
    return lower_bound(primary.gain, primary.se, primary.df, level)


def settled(history: Sequence[Decision], challenger: str) -> list[Decision]:
    """Earlier decisions that share no rows: of each other challenger the last look, of this one none."""
    last = {decision.challenger_id: decision for decision in history}
    return [d for d in history if d.challenger_id != challenger and last[d.challenger_id] is d]


def looks_at(
    entry: ChallengerEntry,
    history: Sequence[Decision],
    patience: timedelta | None,
    as_of: str,
    since: datetime | None = None,
) -> tuple[float, ...]:
    """The looks at a challenger so far and this one; see `next_looks`.

    since: the instant from which its training left events out, None if it left out none.
    """
    if patience is None:
        return ()
    before = next((d.policy.looks for d in reversed(history) if d.challenger_id == entry.challenger), ())
    trained = instant(entry.as_of)
    return next_looks(before, instant(as_of) - trained, patience, trained - (since or trained))


def seen_before(history: Sequence[Decision], metric: str, code: str, cluster_by: str) -> Inflation | None:
    """How correlated a metric's neighbouring clusters are, from earlier decisions between two models.

    code: of a custom metric. Decisions by a metric with the same name but other code are not used.
    """
    return inflation(clusters_before(history, metric, code, cluster_by)) if cluster_by in UNITS else None


def clusters_before(
    history: Sequence[Decision], metric: str, code: str, cluster_by: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each earlier decision between two models, the metric's sums and rows by cluster, shapes (T,)."""
    return [
        (np.array(result.sums), np.array(decision.evaluation.sizes))
        for decision in history
        if decision.release_no and decision.evaluation.cluster_by == cluster_by
        for result in decision.metrics
        if (result.name, result.own_code) == (metric, code) and result.sums
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
    """The gains of earlier decisions between two models by the same primary metric with the same code."""
    judged = [decision.metrics[0] for decision in history if decision.release_no and decision.metrics]
    asked = (primary.name, primary.own_code)
    return tuple(
        result.gain for result in judged if result.gain is not None and (result.name, result.own_code) == asked
    )


def _days(release: Release | None, as_of: str) -> float | None:
    return (instant(as_of) - instant(release.since)).total_seconds() / 86400 if release else None
