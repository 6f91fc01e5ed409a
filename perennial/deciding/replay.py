"""Decisions computed again and compared with the record: from the ledger's sums, or from data and models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.clock import instant
from perennial.deciding.alone import is_better, with_alone
from perennial.deciding.decision import Waits, decide
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.deciding.family import ruled_in, tested
from perennial.deciding.groups import represented_in, with_bias
from perennial.deciding.loading import Pool, load_contest
from perennial.deciding.recall import past_challengers
from perennial.deciding.requirements import held_for
from perennial.deciding.ruling import Comparison, DecisionContext, gain_bound, rule, seen_before, settled
from perennial.deciding.then import Gone, declaration_then, needed, sources_then
from perennial.errors import ModelUnloadable, TableUnreadable
from perennial.evaluation.bias.verdicts import judge_bias
from perennial.evaluation.comparison import describe
from perennial.evaluation.guards import guard
from perennial.evaluation.intervals.cluster_interval import undecidable_clusters
from perennial.evaluation.judgement import Asked, GainSums, judge
from perennial.evaluation.policies.case import Ruling
from perennial.evaluation.results import Evaluation, MetricResult, SliceResult
from perennial.evaluation.slices import judge_slices, variance_ratio
from perennial.ledger.declaration_history import recorded
from perennial.ledger.entries import ChallengerEntry, Decision, Family, Mixture, Release, Snapshot
from perennial.ledger.erased import erased_among, erased_rows, removed_models
from perennial.ledger.ledger import Ledger, Row
from perennial.model.environment import code_version, libraries
from perennial.our_columns import BATCH
from perennial.store.known import Known, known_at
from perennial.store.registry import Registry
from perennial.store.stored_rows import StoredRows
from perennial.store.tables import Tables
from perennial.training.opened_rows import opened_rows
from perennial.training.snapshot import snapshot_of
from perennial.usecase.declaration import ReleaseRules

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-6
"""How much numbers may differ, absolutely or relative to the larger one, if the libraries have changed since."""

NOT_AT_HAND = ("models", "data")
"""Fields of a deviation that stand for what cannot be read, so that nothing could be compared."""

_AS_WRITTEN = {"libraries", "code_version", "declaration_digest"}
"""Not computed again: what a decision was made with, which may explain a difference."""


@dataclass(frozen=True)
class Deviation:
    """The first difference. then, now: as recorded, and as computed again; cause: the likely one."""

    field: str
    then: Any
    now: Any
    cause: str


@dataclass(frozen=True)
class Replayed:
    """A decision computed again.

    numbers: how many were compared. exact: to the last bit, because the libraries have not changed; otherwise within
    `TOLERANCE`, with the same outcome and verdicts. difference: None if everything is the same.
    erased: which rows were erased since, so that the sums were computed again instead of the rows; empty if none.
    """

    decision: str
    batch: str
    outcome: str
    deep: bool
    exact: bool
    numbers: int
    difference: Deviation | None
    erased: str = ""


def replay_sums(ledger: Ledger, row: Row[Decision]) -> Replayed:
    """Compute a decision again from the clusters' sums in its row: intervals, verdicts, outcome and reasons.

    The models' values and the reference are taken as recorded; only `replay_deep` computes those again.
    """
    decision, past = row.payload, ledger.before(row.position)
    history = [r.payload for r in past.all(decision.usecase, Decision)]
    earlier = settled(history, decision.challenger_id)
    metrics = tuple(_judged_again(metric, decision.evaluation, earlier) for metric in decision.metrics)
    evaluation, primary = decision.evaluation, metrics[0]
    slices = _slices_again(decision.slices, primary, evaluation)
    again = describe(
        metrics,
        np.array(evaluation.cluster_rows, dtype=np.int64),
        evaluation.cluster_names,
        cluster_by=evaluation.cluster_by,
        labelled_share=evaluation.labelled_share,
        first=evaluation.first,
        last=evaluation.last,
        digest=evaluation.digest,
        weighted=evaluation.weighted,
    )
    ruling = rule(
        ReleaseRules.model_validate(decision.policy.parameters),
        Comparison(metrics, again, decision.champion_skill, slices, decision.flips),
        DecisionContext(
            decision.challenger_id,
            _served(past, decision),
            decision.as_of,
            decision.policy.pool,
            decision.policy.looks,
            decision.mixture.in_words if decision.mixture else "",
            decision.not_recalled or (),
            decision.family,
        ),
        history,
    )
    ruling, mixture = _alone_again(decision, ruling, earlier)
    decided = {
        "alpha": ruling.alpha,
        "spent": ruling.spent,
        "refit_weight": ruling.refit_weight,
        "level": ruling.tested_at,
        "lower_bound": gain_bound(primary, ruling.tested_at),
    }
    recomputed = decision.model_copy(
        update={
            "metrics": metrics,
            "slices": slices,
            "evaluation": again,
            "outcome": ruling.outcome,
            "reasons": ruling.reasons,
            "policy": decision.policy.model_copy(update=decided),
            "mixture": mixture,
        }
    )
    recomputed = with_bias(recomputed, None if decision.bias is None else judge_bias(decision.bias))
    recomputed = held_for(recomputed, decision.held_for or ())
    replayed = _compared(decision, recomputed, deep=False, cause=_environment(decision))
    return replace(replayed, difference=replayed.difference or _other_level(ledger, recomputed))


def replay_deep(ledger: Ledger, tables: Tables, registry: Registry, row: Row[Decision]) -> Replayed:
    """Compute a decision again from the rows and the models' bytes, each checked against its digest first.

    Only what the ledger held before the decision is used. Where rows were erased since, it is computed from the sums.
    Raises RegistryDown.
    """
    replayed, known = _from_rows(ledger, tables, registry, row)
    usecase = row.payload.usecase
    if replayed.difference is not None and replayed.difference.field == "models":
        removed = removed_models(ledger, usecase)
        return replace(replay_sums(ledger, row), deep=True, erased=removed) if removed else replayed
    if replayed.difference is None or known is None or _lost_rows(ledger, tables, usecase, known):
        return replayed
    erased = erased_among(ledger, usecase, known.batches)
    return replace(replay_sums(ledger, row), deep=True, erased=erased) if erased else replayed


def _from_rows(ledger: Ledger, tables: Tables, registry: Registry, row: Row[Decision]) -> tuple[Replayed, Known | None]:
    """The decision computed from its rows; what was known then if they are not those of the decision."""
    decision, past = row.payload, ledger.before(row.position)
    try:
        declaration = declaration_then(past, decision.usecase, decision.declaration_digest)
        challenger = decision.challenger_id
        entry = needed(past.get(decision.usecase, ChallengerEntry, challenger), f"challenger {challenger}")
        known = known_at(past, decision.usecase, instant(decision.as_of))
        judging = evaluation_rows(tables, past, declaration, known, entry.payload)
        release = _served(past, decision)
        pool = None
        if release is not None and declaration.release.serve == "recall":
            pool = Pool(
                past_challengers(past, declaration, entry.payload, judging), judging, decision.not_recalled or ()
            )
        contest = load_contest(registry, declaration, entry.payload, release, pool)
        history = [r.payload for r in past.all(decision.usecase, Decision)]
        recomputed = decide(
            declaration,
            contest,
            judging,
            history,
            decision.batch,
            decision.as_of,
            decision.trigger,
            sources_then(past, decision),
        )
        learned_from = _learned_from(ledger, tables, decision, entry.payload)
    except ModelUnloadable as error:
        return _lost(decision, "models", str(error)), None
    except (Gone, TableUnreadable) as error:
        return _lost(decision, "data", str(error)), None
    if isinstance(recomputed, Waits):
        return _lost(decision, "outcome", f"the challenger would wait now: {recomputed.why}"), known
    again = recomputed.decision
    if decision.family is not None:
        again = ruled_in(again, decision.family, release, history)
    again = held_for(again, decision.held_for or ())
    if again.evaluation.digest != decision.evaluation.digest:
        cause = _data_changed(ledger, tables, decision.usecase, known, judging.rows)
        return _compared(decision, again, deep=True, cause=cause), known
    if learned_from is not None:
        return _differing(decision, learned_from), known
    replayed = _compared(decision, again, deep=True, cause=_environment(decision))
    return replace(replayed, difference=replayed.difference or _other_level(ledger, again)), None


def _other_level(ledger: Ledger, again: Decision) -> Deviation | None:
    """A difference if the level does not follow from the p-values of the family as the ledger has them."""
    if again.family is None or (test := tested(again)) is None:
        return None
    row = ledger.get(again.family.template, Family, again.family.family)
    if row is None:
        return None
    family = row.payload
    recorded_test = next((each for each in family.tests if each.decision == again.id), None)
    if recorded_test is None:
        return Deviation("family.family", again.family.family, None, "the decision is not in its family")
    if not _same("family", recorded_test.p_value, test.p_value, _same_libraries(again)):
        return Deviation("family.tests", recorded_test.p_value, test.p_value, _environment(again))
    level = family.level_of(again.usecase, again.id)
    if level != again.family:
        return Deviation("family.level", again.family.level, level.level, "unknown: it is not that of its family")
    return None


def _alone_again(decision: Decision, ruling: Ruling, earlier: Sequence[Decision]) -> tuple[Ruling, Mixture | None]:
    """The step in which the challenger alone is compared with its mixture."""
    mixture = decision.mixture
    if mixture is None:
        return ruling, None
    evaluation = decision.evaluation
    mixture = mixture.model_copy(update={"challenger": _judged_again(mixture.challenger, evaluation, earlier)})
    if mixture.alone is None:
        return ruling, mixture
    alone = mixture.alone
    against = _judged_again(alone.against_mixture, evaluation, earlier)
    metrics = tuple(_judged_again(metric, evaluation, earlier) for metric in alone.metrics)
    slices, guards = alone.slices, None
    if metrics and is_better(ruling, against):
        slices = _slices_again(alone.slices, metrics[0], evaluation)
        guards = guard(metrics, slices=slices, flips=alone.flips)
    ruling, is_live = with_alone(ruling, against, guards)
    again = {"against_mixture": against, "metrics": metrics, "slices": slices, "is_live": is_live}
    return ruling, mixture.model_copy(update={"alone": alone.model_copy(update=again)})


def _slices_again(
    slices: Sequence[SliceResult], primary: MetricResult, evaluation: Evaluation
) -> tuple[SliceResult, ...]:
    of_all = variance_ratio(np.array(primary.sums), np.array(evaluation.sizes), evaluation.cluster_by)
    return judge_slices(slices, of_all)


def _judged_again(metric: MetricResult, evaluation: Evaluation, history: Sequence[Decision]) -> MetricResult:
    if metric.champion is None or metric.challenger is None or not metric.sums:
        return metric
    few = undecidable_clusters(np.array(evaluation.sizes), evaluation.cluster_by, metric.second) or ""
    own_reason = metric.note.removeprefix(few).removeprefix("; ") if metric.verdict == "not_decidable" else ""
    sums = GainSums(
        direction=metric.direction,
        champion=metric.champion,
        challenger=metric.challenger,
        sums=np.array(metric.sums),
        counts=np.array(evaluation.sizes),
        sum_of_squares=metric.sum_of_squares or 0.0,
        cluster_by=evaluation.cluster_by,
        undecidable=own_reason or None,
        second=metric.second,
        challenger_sums=np.array(metric.challenger_sums) if metric.challenger_sums else None,
    )
    asked = Asked(metric.name, metric.role, metric.margin, metric.at_least, metric.at_most, own_code=metric.own_code)
    return judge(asked, sums, seen=seen_before(history, metric.name, metric.own_code, evaluation.cluster_by))


def _served(past: Ledger, decision: Decision) -> Release | None:
    if not decision.release_no:
        return None
    number = decision.release_no
    return needed(past.get(decision.usecase, Release, str(number)), f"release {number}").payload


def _learned_from(ledger: Ledger, tables: Tables, decision: Decision, entry: ChallengerEntry) -> Deviation | None:
    """A difference if the challenger's training rows are no longer those of its snapshot."""
    row = needed(ledger.get(decision.usecase, Snapshot, entry.snapshot), f"snapshot {entry.snapshot}")
    snapshot: Snapshot = row.payload
    past = ledger.before(row.position)
    declared = declaration_then(past, decision.usecase, snapshot.declaration_digest)
    declaration = declared.racing_as(entry.rival)
    known = known_at(past, decision.usecase, instant(snapshot.as_of))
    until = None if snapshot.until is None else instant(snapshot.until)
    with opened_rows(tables, declaration, known, until) as training:
        now = snapshot_of(tables, declared, known, training, until)
        if now.digest == snapshot.digest:
            return _represented_again(past, decision, entry, training.rows)
        cause = _data_changed(ledger, tables, decision.usecase, known, training.rows)
    return Deviation("snapshot.digest", snapshot.digest, now.digest, cause)


def _represented_again(
    past: Ledger, decision: Decision, entry: ChallengerEntry, rows: pd.DataFrame | StoredRows
) -> Deviation | None:
    """A difference if the groups of the population have another share of the training rows than was recorded."""
    if entry.represented is None:
        return None
    declaration, texts = recorded(past, decision.usecase, entry.declaration_digest)
    again = represented_in(rows, declaration, texts) or ()
    then, now = ([column.model_dump(mode="json") for column in each] for each in (entry.represented, again))
    _, differing = first_difference({"represented": then}, {"represented": now}, exact=_same_libraries(decision))
    return Deviation(*differing, _environment(decision)) if differing else None


def _data_changed(ledger: Ledger, tables: Tables, usecase: str, known: Known, rows: pd.DataFrame | StoredRows) -> str:
    """Which batches are incomplete; otherwise, that values in the batches of these rows have changed."""
    if lost := _lost_rows(ledger, tables, usecase, known):
        return f"data erased or lost: batch {', '.join(lost)}"
    read = set(rows[BATCH])
    windows = ", ".join(batch.window for batch in known.batches if batch.batch in read)
    return f"values were changed in {tables.where(usecase, 'accepted')}, in batch {windows}; restore a backup"


def _lost_rows(ledger: Ledger, tables: Tables, usecase: str, known: Known) -> list[str]:
    """Batches with fewer rows than the ledger has, without those that an erasure on record removed."""
    erased = erased_rows(ledger, usecase, "accepted")
    return [
        f"{batch.window} has {left:,} of its {batch.rows.accepted:,} rows"
        for batch in known.batches
        if (left := tables.count(usecase, "accepted", batch.batch)) != batch.rows.accepted - erased.get(batch.batch, 0)
    ]


def _environment(decision: Decision) -> str:
    now = libraries()
    changed = [f"{n} {v} → {now.get(n, 'absent')}" for n, v in decision.libraries.items() if now.get(n) != v]
    if changed:
        return f"other libraries: {', '.join(changed)}"
    if decision.code_version != code_version():
        return f"other code: {decision.code_version} then, {code_version()} now"
    return "unknown: rows, models, libraries and code are unchanged"


def _lost(decision: Decision, field: str, why: str) -> Replayed:
    return _differing(decision, Deviation(field, None, None, why))


def _differing(decision: Decision, difference: Deviation) -> Replayed:
    return Replayed(decision.id, decision.batch, decision.outcome, True, _same_libraries(decision), 0, difference)


def _same_libraries(decision: Decision) -> bool:
    return libraries() == decision.libraries


def _compared(decision: Decision, recomputed: Decision, *, deep: bool, cause: str) -> Replayed:
    exact = _same_libraries(decision)
    then = decision.model_dump(mode="json", exclude=_AS_WRITTEN)
    now = recomputed.model_dump(mode="json")
    # Evaluation and metrics come first, because other differences follow from theirs.
    order = sorted(then, key=lambda name: (name != "evaluation", name != "metrics"))
    numbers, differing = first_difference({n: then[n] for n in order}, {n: now[n] for n in order}, exact=exact)
    difference = Deviation(*differing, cause) if differing else None
    return Replayed(decision.id, decision.batch, decision.outcome, deep, exact, numbers, difference)


def first_difference(then: Any, now: Any, *, exact: bool) -> tuple[int, tuple[str, Any, Any] | None]:
    """How many numbers of two JSON values are the same, and the first field that is not with both its values.

    exact: to the last bit; otherwise within `TOLERANCE`.
    """
    numbers = 0
    for field, a, b in _pairs(then, now, ""):
        numbers += isinstance(a, int | float) and not isinstance(a, bool)
        if not _same(field, a, b, exact):
            return numbers, (field, a, b)
    return numbers, None


def _pairs(then: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Every leaf of two JSON values side by side, with its path; metrics are identified by name."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in then:
            yield from _pairs(then[name], now.get(name), f"{path}.{name}" if path else name)
    elif isinstance(then, list) and isinstance(now, list):
        for place, (a, b) in enumerate(zip_longest(then, now)):
            name = a.get("name", place) if isinstance(a, dict) else place
            yield from _pairs(a, b, f"{path}.{name}")
    else:
        yield path, then, now


def _same(field: str, then: Any, now: Any, exact: bool) -> bool:
    if exact or not (isinstance(then, float | int) and isinstance(now, float | int)):
        # Sentences contain rounded numbers, whose last digit may differ with other libraries.
        return bool(then == now) or (not exact and field.startswith("reasons"))
    return abs(then - now) <= TOLERANCE * max(1.0, abs(then), abs(now))
