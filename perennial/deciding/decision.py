"""A decision: champion and waiting challenger are scored on the same rows, compared, and ruled on by the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import write_instant
from perennial.deciding.alone import is_better, passed, with_alone
from perennial.deciding.groups import bias_in, with_bias
from perennial.deciding.labelled_rows import EvaluationRows
from perennial.deciding.ruling import Comparison, DecisionContext, gain_bound, looks_at, rule, seen_before, settled
from perennial.deciding.scored_models import Contest, Scored
from perennial.evaluation.comparison import compare, describe
from perennial.evaluation.flips import flips, newly_wrong
from perennial.evaluation.guards import guard
from perennial.evaluation.intervals.cluster_interval import will_not_come
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import NEGATIVE_FLIPS
from perennial.evaluation.paired import Clusters
from perennial.evaluation.policies.case import Ruling
from perennial.evaluation.results import Flips, MetricResult, Policy, SliceResult, Weighted
from perennial.evaluation.slices import Sliced, compare_slices, variance_ratio
from perennial.evaluation.weights import effective_rows
from perennial.identity import short_id
from perennial.ledger.entries import Alone, Decision, Mixture, Trigger, mixture_in_words
from perennial.model.environment import code_version, libraries
from perennial.our_columns import FIRST_KNOWN_AT, KNOWN_AT
from perennial.team_code.metrics import groups_of
from perennial.training.digest_of_rows import rows_digest
from perennial.usecase.declaration import Declaration
from perennial.usecase.team_files import digest_of
from perennial.watching.channels.measured import reference_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Waits:
    """No decision yet, and why: the challenger keeps waiting, or there is none (`NO_CHALLENGER`)."""

    why: str


@dataclass(frozen=True)
class Decided:
    """A decision, and the keys of up to twenty rows that the challenger newly gets wrong.

    The keys stay out of the ledger, from which nothing can be erased.
    """

    decision: Decision
    newly_wrong: pd.DataFrame


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
    """Compare the models on the evaluation rows and apply the declared policy.

    history: all earlier decisions. sources: file name → text of the custom metrics and groups.
    Returns `Waits` if the primary metric cannot be decided on these rows yet but more labels will come. If the clusters
    are groups of a column, no more of them will come, and the challenger is left undecided.
    Raises ComparisonFailed for predictions that are not numbers, TeamCodeFailed for a custom function.
    """
    entry, release = contest.challenger_entry, contest.release
    if not len(judging.rows):
        return Waits("no label has become known since the challenger was trained (0 labelled rows)")
    scored = Scored(declaration, contest, judging, sources)
    earlier = settled(history, entry.challenger)
    metrics = _compared(scored, scored.asked, earlier)
    primary, cluster_by = metrics[0], declaration.evaluation.cluster_name
    if primary.verdict == "not_decidable" and not will_not_come(scored.clusters.sizes, cluster_by, primary.second):
        return Waits(f"not decidable yet on {len(judging.rows):,} labelled rows: {primary.note}")
    comparison = _found(scored, metrics)
    question = DecisionContext(
        challenger=entry.challenger,
        release=release,
        as_of=as_of,
        pool="event" if entry.trigger.kind in ("drift", "event") else "planned",
        looks=looks_at(entry, history, declaration.release.patience, as_of, judging.since) if release else (),
        mixture=mixture_in_words(contest.mixed, contest.recalled or ()) if contest.mixed else "",
        not_recalled=contest.not_recalled,
    )
    ruling, mixture = _with_alone(scored, rule(declaration.rules, comparison, question, history), earlier)
    released = scored.alone if mixture and mixture.alone_is_live else scored
    served = release.champion.model if release else None
    code = {file: digest_of(text) for file, text in sources.items()}
    compared = [entry.challenger, served.digest if served else None, comparison.evaluation.digest, code]
    decision = Decision(
        id=short_id([*compared, *([[[e.challenger, e.weight] for e in contest.mixed]] if contest.mixed else [])]),
        usecase=declaration.name,
        batch=batch,
        as_of=as_of,
        trigger=trigger,
        champion=served,
        challenger=entry.model,
        challenger_id=entry.challenger,
        snapshot=entry.snapshot,
        evaluation=comparison.evaluation,
        metrics=metrics,
        release_no=release.release_no if release else 0,
        reference=reference_of(
            scored.primary,
            scored.labels,
            released.challenger,
            scored.clusters,
            declared=declaration.digest if primary.own_code else "",
        ),
        declaration_digest=declaration.digest,
        features_digest=entry.features_digest,
        code_version=code_version(),
        policy=Policy(
            name=declaration.release.policy,
            parameters=declaration.rules.model_dump(mode="json"),
            alpha=ruling.alpha,
            pool=question.pool,
            spent=ruling.spent,
            refit_weight=ruling.refit_weight,
            level=ruling.tested_at,
            lower_bound=gain_bound(primary, ruling.tested_at),
            looks=question.looks,
            waits=ruling.outcome == "undecided" and bool(question.looks) and question.looks[-1] < 1,
        ),
        outcome=ruling.outcome,
        reasons=ruling.reasons,
        libraries=libraries(),
        champion_skill=comparison.champion_skill,
        slices=comparison.slices,
        flips=comparison.flips,
        code=code,
        mixture=mixture,
        live=release.evaluated if release and release.tested else None,
        not_recalled=contest.not_recalled or None,
    )
    return Decided(with_bias(decision, bias_in(released)), _newly_wrong(scored))


def _compared(scored: Scored, metrics: Sequence[Asked], earlier: Sequence[Decision]) -> tuple[MetricResult, ...]:
    cluster_by = scored.declaration.evaluation.cluster_name
    return compare(
        scored.paired,
        metrics=metrics,
        seen={asked.name: seen_before(earlier, asked.name, asked.own_code, cluster_by) for asked in metrics},
    )


def _with_alone(scored: Scored, ruling: Ruling, earlier: Sequence[Decision]) -> tuple[Ruling, Mixture | None]:
    """The ruling on the mixture; if it passes, on the challenger alone too."""
    mixed = scored.contest.mixed
    if not mixed:
        return ruling, None
    (challenger,) = _compared(scored.alone, scored.asked[:1], earlier)
    mixture = Mixture(members=mixed, challenger=challenger, recalled=scored.contest.recalled)
    if not passed(ruling):
        return ruling, mixture
    (against,) = _compared(scored.against_mixture, scored.asked[:1], earlier)
    if not is_better(ruling, against):
        ruling, _ = with_alone(ruling, against, None)
        return ruling, mixture.model_copy(update={"alone": Alone(against_mixture=against, is_live=False)})
    metrics = (challenger, *_compared(scored.alone, scored.asked[1:], earlier))
    slices, changed = _slices_and_flips(scored.alone, metrics[0])
    ruling, is_live = with_alone(ruling, against, guard(metrics, slices=slices, flips=changed))
    alone = Alone(against_mixture=against, metrics=metrics, slices=slices, flips=changed, is_live=is_live)
    return ruling, mixture.model_copy(update={"alone": alone})


def _found(scored: Scored, metrics: tuple[MetricResult, ...]) -> Comparison:
    declaration, judging = scored.declaration, scored.judging
    schema, rows, evaluation = declaration.schema_, judging.rows, declaration.evaluation
    slices, changed = _slices_and_flips(scored, metrics[0])
    first, last = judging.span_of(schema.time)
    return Comparison(
        metrics=metrics,
        evaluation=describe(
            metrics,
            scored.clusters.counts,
            judging.names,
            cluster_by=evaluation.cluster_name,
            labelled_share=judging.labelled_share,
            first=write_instant(first.to_pydatetime()),
            last=write_instant(last.to_pydatetime()),
            digest=rows_digest(rows, schema.key, without=(KNOWN_AT, FIRST_KNOWN_AT)),
            weighted=_weighted(scored.clusters, schema.weight),
        ),
        champion_skill=scored.champion_skill(metrics[0]),
        slices=slices,
        flips=changed,
    )


def _slices_and_flips(scored: Scored, primary: MetricResult) -> tuple[tuple[SliceResult, ...], Flips]:
    declaration, rows = scored.declaration, scored.judging.rows
    evaluation = declaration.evaluation
    columns = [Sliced(column, *groups_of(rows, column)) for column in evaluation.slices]
    of_flips = evaluation.guards.get(NEGATIVE_FLIPS)
    slices = compare_slices(
        scored.primary,
        scored.paired,
        columns,
        harm=evaluation.slice_harm,
        of_all=variance_ratio(np.array(primary.sums), scored.clusters.sizes, evaluation.cluster_name),
    )
    changed = flips(
        scored.paired,
        of_classes=declaration.schema_.task != "regression",
        slices=columns,
        at_most=of_flips.at_most if of_flips else None,
    )
    return slices, changed


def _weighted(clusters: Clusters, column: str | None) -> Weighted | None:
    if clusters.weights is None or column is None:
        return None
    return Weighted(by=column, sizes=tuple(clusters.sizes.tolist()), effective_rows=effective_rows(clusters.weights))


def _newly_wrong(scored: Scored) -> pd.DataFrame:
    """The keys of examples; none for a regression, whose predictions are never simply right or wrong."""
    schema = scored.declaration.schema_
    places = np.empty(0, dtype=np.int64) if schema.task == "regression" else newly_wrong(scored.paired)
    return scored.judging.at(places, list(schema.key))
