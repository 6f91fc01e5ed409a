"""What is known about a stage at a moment: predictions of both models since it began, with the labels they got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.deciding.labelled_rows import EvaluationRows, clustered, labels_in
from perennial.deciding.scored_models import asked_metrics
from perennial.deciding.then import declaration_then, needed, sources_then
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Paired, paired
from perennial.evaluation.staged.evidence import Evidence, Labelled, Scores, Traffic, Values
from perennial.evaluation.staged.scores import binned
from perennial.identity import digest
from perennial.ledger.entries import BatchScored, Candidate, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.our_columns import ARM, ARRIVED_AT, LABEL
from perennial.release.judged_rows import StageRows
from perennial.release.served_evidence import (
    BY_CANDIDATE,
    BY_CHAMPION,
    ServedRows,
    labels_of_arms,
    served_rows,
    values_of_arms,
)
from perennial.release.stages import looks_of
from perennial.scoring.stored import stacked
from perennial.store.known import known_at
from perennial.store.rows import labels_of, weights_of
from perennial.store.stored_rows import StoredRows, parts_of, together
from perennial.store.tables import Tables
from perennial.team_code.metrics import declared_metric
from perennial.training.digest_of_rows import rows_digest
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Seen:
    """The evidence of a look and the digest of what it was computed from."""

    evidence: Evidence
    digest: str


def stage_evidence(
    tables: Tables,
    ledger: Ledger,
    usecase: str,
    release: Release,
    as_of: datetime,
    recomputed: tuple[int, int] = (0, 0),
) -> Seen:
    """What is known at `as_of` about the stage that a release began.

    recomputed: of a sample of the candidate's served predictions, how many were computed again, and how many differ.

    The declaration and the custom metrics are those of the candidate's decision, whatever was edited since.
    Raises Gone, TableUnreadable; ValueError for a release without a candidate.
    """
    candidate = release.candidate
    if candidate is None:
        raise ValueError(f"release {release.release_no} began no stage")
    decision = needed(ledger.get(usecase, Decision, candidate.decision), f"decision {candidate.decision}").payload
    declaration = declaration_then(ledger, usecase, decision.declaration_digest)
    sources = sources_then(ledger, decision)
    batches = [row.payload for row in ledger.all(usecase, BatchScored)]
    batches = [each for each in batches if each.release_no == release.release_no]
    since = instant(candidate.since)
    stage = StageRows(tables, declaration, tuple(batches), known_at(ledger, usecase, as_of), since)
    served, digests = served_rows(tables, ledger, declaration, release)
    traffic = _traffic(batches, stage.scored, declaration)
    if served is not None:
        traffic = _sum(traffic, served.counts(in_canary=candidate.stage.kind == "canary"))
    traffic = replace(traffic, recomputed=recomputed[0], differing=recomputed[1])
    rows = stage.judged(served.by_key if served else None)
    judged = None if rows is None else clustered(declaration, rows, share=1.0)
    compared = _compared(declaration, sources, judged)
    looks = [row.payload.look.information for row in looks_of(ledger, usecase, release.release_no)]
    evidence = Evidence(
        stage=candidate.stage.kind,
        share=candidate.stage.share,
        feedback=candidate.feedback,
        planned_days=candidate.stage.days,
        elapsed_days=max(0.0, (as_of - since).total_seconds() / 86400),
        traffic=traffic,
        looks=tuple(each for each in looks if each is not None),
        labelled=_labelled_arms(stage, served, candidate, as_of),
        pairs=compared.pairs,
        metrics=compared.metrics,
        values=_values(declaration, sources, judged, candidate),
        scores=_scores(served, stage.scored),
    )
    of_rows = "" if rows is None else _labels_digest(rows, list(declaration.schema_.key))
    return Seen(evidence, digest([vars(traffic), digests, sorted(each.digest for each in batches), of_rows]))


def _labels_digest(rows: pd.DataFrame | StoredRows, key: list[str]) -> str:
    """Of the keys and labels."""
    return rows_digest(rows, key, without=[name for name in rows.columns if name not in (*key, LABEL, ARRIVED_AT)])


def _sum(one: Traffic, other: Traffic) -> Traffic:
    """The counts of both; only answers of the service are timed."""
    counts = {name: value + getattr(other, name) for name, value in vars(one).items() if name != "slow_ms"}
    return Traffic(**counts, slow_ms=other.slow_ms)


def _traffic(
    batches: Sequence[BatchScored], scored: pd.DataFrame | StoredRows | None, declaration: Declaration
) -> Traffic:
    """Batches are scored by both models; nobody's answer is the candidate's."""
    of_champion = {each.batch: each.rows for each in batches if each.of is None}
    of_candidate = [each for each in batches if each.of is not None]
    failed = sum(of_champion.get(each.batch, 0) for each in of_candidate if each.failed is not None)
    answered = sum(each.rows for each in of_candidate)
    return Traffic(
        champion_asked=sum(of_champion.values()),
        candidate_asked=answered + failed,
        both_scored=answered,
        candidate_failed=failed,
        invalid=0
        if scored is None or not len(scored)
        else sum(_invalid(part, declaration) for part in _parts(scored, BY_CANDIDATE)),
    )


def _invalid(predictions: np.ndarray, declaration: Declaration) -> int:
    """Predictions, of shape (n,) or (n, K), that are no finite numbers, or no probabilities where those are asked."""
    right = np.isfinite(predictions)
    if declaration.schema_.task != "regression":
        right &= (predictions >= 0) & (predictions <= 1)
    return int((~right.reshape(len(right), -1).all(axis=1)).sum())


def _parts(rows: pd.DataFrame | StoredRows, arm: str) -> Iterator[np.ndarray]:
    """A model's predictions of the rows, part by part."""
    return (stacked(part[arm]) for part in parts_of(rows, [arm]))


def _scores(served: ServedRows | None, in_batches: pd.DataFrame | StoredRows | None) -> Scores | None:
    """How the predictions of both models are distributed, over all records that both scored; None without any."""
    of = [each for each in (served.both if served else None, in_batches) if each is not None and len(each)]
    if not of:
        return None
    champion, candidate = (
        together(of[-1], chain.from_iterable(_parts(rows, arm) for rows in of)) for arm in (BY_CHAMPION, BY_CANDIDATE)
    )
    return binned(champion, candidate)


@dataclass(frozen=True)
class _Compared:
    pairs: Paired | None = None
    metrics: tuple[Asked, ...] = ()


def _compared(declaration: Declaration, sources: Mapping[str, str], judged: EvaluationRows | None) -> _Compared:
    """The rows as pairs, and the declared metrics on them."""
    if judged is None:
        return _Compared()

    def metric(name: str) -> Metric:
        return declared_metric(declaration, sources, name, rows=judged.rows, codes=judged.codes)

    pairs = paired(
        labels_in(judged, declaration.schema_),
        together(judged.rows, _parts(judged.rows, BY_CHAMPION)),
        together(judged.rows, _parts(judged.rows, BY_CANDIDATE)),
        judged.codes,
        cluster_by=declaration.evaluation.cluster_name,
        second=judged.second,
        weights=weights_of(judged.rows, declaration.schema_),
    )
    return _Compared(pairs, tuple(asked_metrics(declaration, metric)))


def _labelled_arms(
    stage: StageRows, served: ServedRows | None, candidate: Candidate, as_of: datetime
) -> Labelled | None:
    """Labels by arm; only a canary has two."""
    if served is None or candidate.stage.kind != "canary":
        return None
    answered = stage.answered(served.by_key[[*served.key, ARM]])
    return None if answered is None or answered.empty else labels_of_arms(answered, stage.declaration, as_of)


def _values(
    declaration: Declaration, sources: Mapping[str, str], judged: EvaluationRows | None, candidate: Candidate
) -> Values | None:
    """The declared value of each key by arm, where the split is what counts."""
    if judged is None or candidate.stage.kind != "canary" or candidate.feedback == "none" or ARM not in judged.rows:
        return None
    name = declared_value(declaration)
    if name is None:
        return None
    import pandas as pd

    split = pd.concat([part[part[ARM].notna()] for part in parts_of(judged.rows)], ignore_index=True)
    if split.empty:
        return None
    value = declared_metric(declaration, sources, name)
    return values_of_arms(split, labels_of(split, declaration.schema_), value, declaration)


def declared_value(declaration: Declaration) -> str | None:
    """The first custom metric with one number per row: what a prediction is worth."""
    return next((name for name, own in declaration.evaluation.metrics.items() if own.per == "row"), None)
