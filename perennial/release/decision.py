"""Deciding: champion and waiting challenger scored now on the same rows, compared, ruled on by the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant, write_instant
from perennial.evaluation.baseline import skill
from perennial.evaluation.budget import Pool, Taken
from perennial.evaluation.cluster_interval import will_not_come
from perennial.evaluation.cluster_sums import rows_of_clusters
from perennial.evaluation.comparison import compare, describe
from perennial.evaluation.figures import UNITS
from perennial.evaluation.flips import flips, newly_wrong
from perennial.evaluation.guards import GuardFinding, guard
from perennial.evaluation.judgement import Asked
from perennial.evaluation.mde import ALPHA
from perennial.evaluation.metrics import NEGATIVE_FLIPS, load_metric
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.policies import load_policy
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.pooled import Inflation, inflation
from perennial.evaluation.results import Evaluation, MetricResult, Policy
from perennial.evaluation.slices import compare_slices, sliced
from perennial.features.metric import declared_metric, groups_of
from perennial.identity import digest_bytes, digest_rows, short_id
from perennial.release.evaluation_rows import EvaluationRows
from perennial.store.entries import ChallengerEntry, Decision, Release, Trigger
from perennial.store.rows import FIRST_KNOWN_AT, KNOWN_AT, labels_of
from perennial.training.artifact import Fitted
from perennial.training.environment import code_version, libraries
from perennial.usecase.declaration import Declaration
from perennial.usecase.declaration import Release as ReleaseRules
from perennial.watching.level import reference_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Waits:
    """No decision yet: the challenger goes on waiting, and why."""

    why: str


@dataclass(frozen=True)
class Decided:
    """A decision, and the keys of up to twenty rows that the challenger newly gets wrong.

    These stay out of the ledger, which nobody can erase from.
    """

    decision: Decision
    newly_wrong: pd.DataFrame


@dataclass(frozen=True)
class Contest:
    """Who faces whom. champion and release are None while nothing serves: then the naive baseline stands in."""

    challenger: Fitted
    challenger_entry: ChallengerEntry
    champion: Fitted | None
    release: Release | None


def asked_metrics(
    declaration: Declaration, sources: Mapping[str, str], rows: pd.DataFrame, codes: np.ndarray
) -> list[Asked]:
    """The primary metric, the guards, then those shown for information; rows, codes: that judge, with their clusters.

    Raises DerivedFeatureFailed where a team's own metric cannot be loaded.
    """
    evaluation = declaration.evaluation

    def metric(name: str) -> Metric:
        return declared_metric(declaration, sources, name, rows=rows, codes=codes)

    guards = [
        Asked(name, "guard", bound.margin, bound.at_least, bound.at_most, metric(name))
        for name, bound in sorted(evaluation.guards.items())
        if name != NEGATIVE_FLIPS
    ]
    also = [Asked(name, "info", metric=metric(name)) for name in evaluation.also]
    return [Asked(declaration.primary, "primary", metric=metric(declaration.primary)), *guards, *also]


def decide(
    declaration: Declaration,
    contest: Contest,
    judging: EvaluationRows,
    history: Sequence[Decision],
    batch: str,
    as_of: str,
    trigger: Trigger,
    sources: Mapping[str, str],
) -> Decided | Waits:
    """Compare on the judging rows and let the declared policy rule. history: every decision before.

    sources: file name → text of the team's own metrics.

    Waits where the primary metric cannot be decided on these rows yet: more labels will come. More groups of a
    declared column will not: too few of them leave the challenger undecided.
    Raises ComparisonFailed for predictions that are no numbers, DerivedFeatureFailed for a team's function.
    """
    schema, rows, entry = declaration.schema_, judging.rows, contest.challenger_entry
    if rows.empty:
        return Waits("no label has become known since the challenger was trained (0 labelled rows)")
    labels = labels_of(rows, schema)
    challenger = contest.challenger.over(contest.challenger.predict(rows), schema.classes)
    champion = _champion_predictions(declaration, contest, rows)
    cluster_by = declaration.evaluation.cluster_name
    asked = asked_metrics(declaration, sources, rows, judging.codes)
    deciding = asked[0].metric or load_metric(asked[0].name)
    metrics = compare(
        labels,
        champion,
        challenger,
        judging.codes,
        metrics=asked,
        cluster_by=cluster_by,
        second=judging.second,
        seen={each.name: seen_before(settled(history, entry.challenger), each.name, cluster_by) for each in asked},
    )
    primary = metrics[0]
    if primary.verdict == "not_decidable" and not will_not_come(
        rows_of_clusters(judging.codes), cluster_by, primary.second
    ):
        return Waits(f"not decidable yet on {len(rows):,} labelled rows: {primary.note}")
    evaluation = describe(
        metrics,
        judging.codes,
        judging.names,
        cluster_by=cluster_by,
        labelled_share=judging.labelled_share,
        first=write_instant(rows[schema.time].min().to_pydatetime()),
        last=write_instant(rows[schema.time].max().to_pydatetime()),
        digest=digest_rows(rows.drop(columns=["_arrived_at", KNOWN_AT, FIRST_KNOWN_AT]), list(schema.key)),
    )
    release = contest.release
    champion_skill = _champion_skill(declaration, contest, deciding, primary, labels)
    columns = [sliced(column, groups_of(rows, column)) for column in declaration.evaluation.slices]
    slices = compare_slices(
        deciding,
        labels,
        champion,
        challenger,
        judging.codes,
        columns,
        cluster_by=cluster_by,
        harm=declaration.evaluation.slice_harm,
    )
    of_flips = declaration.evaluation.guards.get(NEGATIVE_FLIPS)
    flipped = flips(
        labels,
        champion,
        challenger,
        judging.codes,
        of_classes=schema.task != "regression",
        cluster_by=cluster_by,
        slices=columns,
        at_most=of_flips.at_most if of_flips else None,
    )
    guards = guard(metrics, slices=slices, flips=flipped)
    pool: Pool = "event" if entry.trigger.kind in ("drift", "event") else "planned"
    looks = looks_at(entry, history, declaration.release.patience, as_of) if release else ()
    ruling = rule(
        declaration.rules,
        metrics,
        guards,
        evaluation,
        release,
        history,
        as_of,
        champion_skill,
        pool,
        entry.challenger,
        looks,
    )
    served = release.champion.model if release else None
    said = Decision(
        id=short_id([entry.challenger, served.digest if served else None, evaluation.digest]),
        usecase=declaration.name,
        batch=batch,
        as_of=as_of,
        trigger=trigger,
        champion=served,
        challenger=entry.model,
        challenger_id=entry.challenger,
        snapshot=entry.snapshot,
        evaluation=evaluation,
        metrics=metrics,
        release_no=release.release_no if release else 0,
        reference=reference_of(deciding, labels, challenger, judging.codes, cluster_by=cluster_by),
        declaration_digest=declaration.digest,
        features_digest=entry.features_digest,
        code_version=code_version(),
        policy=Policy(
            name=declaration.release.policy,
            parameters=declaration.rules.model_dump(mode="json"),
            alpha=ruling.alpha,
            pool=pool,
            spent=ruling.spent,
            refit_weight=ruling.refit_weight,
            looks=looks,
            waits=ruling.outcome == "undecided" and bool(looks) and looks[-1] < 1,
        ),
        outcome=ruling.outcome,
        reasons=ruling.reasons,
        libraries=libraries(),
        champion_skill=champion_skill,
        slices=slices,
        flips=flipped,
        code={file: digest_bytes(text.encode()) for file, text in sources.items()},
    )
    return Decided(said, _examples(declaration, rows, newly_wrong(labels, champion, challenger)))


def _examples(declaration: Declaration, rows: pd.DataFrame, places: np.ndarray) -> pd.DataFrame:
    return rows[list(declaration.schema_.key)].iloc[places].reset_index(drop=True)


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


def seen_before(history: Sequence[Decision], metric: str, cluster_by: str) -> Inflation | None:
    """What earlier decisions between two models show of how alike a metric's neighbouring clusters are."""
    return inflation(clusters_before(history, metric, cluster_by)) if cluster_by in UNITS else None


def clusters_before(history: Sequence[Decision], metric: str, cluster_by: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each earlier decision between two models the metric's sums and rows by cluster, shapes (T,)."""
    return [
        (np.array(found.sums), np.array(decision.evaluation.cluster_rows))
        for decision in history
        if decision.release_no and decision.evaluation.cluster_by == cluster_by
        for found in decision.metrics
        if found.name == metric and found.sums
    ]


def rule(
    said: ReleaseRules,
    metrics: Sequence[MetricResult],
    guards: GuardFinding,
    evaluation: Evaluation,
    release: Release | None,
    history: Sequence[Decision],
    as_of: str,
    champion_skill: float | None,
    pool: Pool,
    challenger: str,
    looks: tuple[float, ...],
) -> Ruling:
    """What the declared policy makes of a comparison. metrics: the primary first. release: what serves, if any.

    challenger: its id. looks: of `looks_at`.
    """
    return load_policy(said.policy)(
        Case(
            primary=metrics[0],
            guards=guards,
            rows=evaluation.rows,
            clusters=evaluation.clusters,
            cluster_by=evaluation.cluster_by,
            will_not_come=will_not_come(np.array(evaluation.cluster_rows), evaluation.cluster_by, metrics[0].second),
            is_first=release is None,
            champion_skill=champion_skill,
            days_since_release=_days(release, as_of),
            refresh_after_days=said.refresh_after.total_seconds() / 86400,
            looks=looks,
            gains=_gains_before(settled(history, challenger)),
            year=instant(as_of).year,
            pool=pool,
            taken=taken_before(history),
            planned_decisions=said.decisions_a_year or 12,  # None in rows of 0.1.0, which had no budget
            event_decisions=said.event_decisions_a_year,
        )
    )


def _gains_before(history: Sequence[Decision]) -> tuple[float, ...]:
    """Of the primary metric, where two models were compared by the metric of the newest decision."""
    judged = [decision.metrics[0] for decision in history if decision.release_no and decision.metrics]
    return tuple(m.gain for m in judged if m.gain is not None and m.name == judged[-1].name)


def taken_before(history: Sequence[Decision]) -> tuple[Taken, ...]:
    """Decisions that could err: against a champion, and with a test."""
    return tuple(
        Taken(
            instant(decision.as_of).year,
            decision.policy.pool,
            ALPHA if decision.policy.alpha is None else decision.policy.alpha,
        )
        for decision in history
        if decision.release_no and decision.metrics and decision.metrics[0].p_value is not None
    )


def _champion_predictions(declaration: Declaration, contest: Contest, rows: pd.DataFrame) -> np.ndarray:
    model = contest.champion or contest.challenger
    predictions = model.predict(rows) if contest.champion else model.naive_predictions(len(rows))
    placed: np.ndarray = model.over(predictions, declaration.schema_.classes)
    return placed


def _champion_skill(
    declaration: Declaration, contest: Contest, metric: Metric, primary: MetricResult, labels: np.ndarray
) -> float | None:
    """Over the constant that the champion's own training labels gave, on the rows that judge."""
    if contest.champion is None:
        return None
    constant = contest.champion.over(contest.champion.naive_predictions(len(labels)), declaration.schema_.classes)
    naive, _ = metric.value_and_influence(labels, constant)
    return skill(metric.direction, primary.champion, naive)


def _days(release: Release | None, as_of: str) -> float | None:
    return (instant(as_of) - instant(release.as_of)).total_seconds() / 86400 if release else None
