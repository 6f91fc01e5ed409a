"""What is known about a stage at a moment: predictions of both models since it began, with the labels they got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.content import digest_rows
from perennial.deciding.labelled_rows import EvaluationRows, labelled
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
from perennial.our_columns import ARM, BATCH, FIRST_KNOWN_AT, LABEL
from perennial.release.served_evidence import (
    CANDIDATE,
    CHAMPION,
    ServedRows,
    labels_of_arms,
    served_rows,
    values_of_arms,
)
from perennial.release.stages import looks_of
from perennial.scoring.stored import score_column, stacked
from perennial.store.known import known_at
from perennial.store.rows import labels_of, read_rows, weights_of
from perennial.store.tables import Tables
from perennial.team_code.metrics import declared_metric
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
    in_batches = _scored(tables, declaration, batches)
    served, digests = served_rows(tables, ledger, declaration, release)
    traffic = _traffic(batches, in_batches, declaration)
    if served is not None:
        traffic = _sum(traffic, served.counts(in_canary=candidate.stage.kind == "canary"))
    traffic = replace(traffic, recomputed=recomputed[0], differing=recomputed[1])
    since = instant(candidate.since)
    rows = _rows_since(tables, ledger, declaration, since, as_of)
    judged = _judged(declaration, rows, in_batches, served, since)
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
        labelled=_labelled_arms(declaration, rows, served, candidate, as_of),
        pairs=compared.pairs,
        metrics=compared.metrics,
        values=_values(declaration, sources, judged, candidate),
        scores=_scores(served, in_batches),
    )
    key = list(declaration.schema_.key)
    of_rows = "" if judged is None else digest_rows(judged.rows[[*key, LABEL]], key)
    return Seen(evidence, digest([vars(traffic), digests, sorted(each.digest for each in batches), of_rows]))


def _sum(one: Traffic, other: Traffic) -> Traffic:
    """The counts of both; only answers of the service are timed."""
    counts = {name: value + getattr(other, name) for name, value in vars(one).items() if name != "slow_ms"}
    return Traffic(**counts, slow_ms=other.slow_ms)


def _traffic(batches: Sequence[BatchScored], scored: pd.DataFrame | None, declaration: Declaration) -> Traffic:
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
        invalid=0 if scored is None else _invalid(stacked(scored[CANDIDATE]), declaration),
    )


def _invalid(predictions: np.ndarray, declaration: Declaration) -> int:
    """Predictions, of shape (n,) or (n, K), that are no finite numbers, or no probabilities where those are asked."""
    right = np.isfinite(predictions)
    if declaration.schema_.task != "regression":
        right &= (predictions >= 0) & (predictions <= 1)
    return int((~right.reshape(len(right), -1).all(axis=1)).sum())


def _scored(tables: Tables, declaration: Declaration, batches: Sequence[BatchScored]) -> pd.DataFrame | None:
    """Keys with the predictions of both models, `CHAMPION` and `CANDIDATE`; None without any."""
    key, column = list(declaration.schema_.key), score_column(declaration.schema_)
    both = {each.batch for each in batches if each.of is not None and each.rows}
    names = {each.key: each.of or CHAMPION for each in batches if each.batch in both and each.rows}
    if not names:
        return None
    table = tables.read(declaration.name, "predictions", list(names), [*key, BATCH, column])
    if table is None:
        return None
    frame = table.to_pandas()
    arms = frame[BATCH].map(names)
    parts = [
        frame[arms == arm].drop(columns=BATCH).drop_duplicates(key).rename(columns={column: arm})
        for arm in (CHAMPION, CANDIDATE)
    ]
    return parts[0].merge(parts[1], on=key)


def _scores(served: ServedRows | None, in_batches: pd.DataFrame | None) -> Scores | None:
    """How the predictions of both models are distributed, over all records that both scored; None without any."""
    parts = [each for each in (served.both if served else None, in_batches) if each is not None and len(each)]
    arms = [np.concatenate([stacked(part[arm]) for part in parts]) for arm in (CHAMPION, CANDIDATE) if parts]
    return binned(*arms) if arms else None


def _rows_since(
    tables: Tables, ledger: Ledger, declaration: Declaration, since: datetime, as_of: datetime
) -> pd.DataFrame | None:
    """Accepted rows of the batches that arrived since the stage began, with the labels known by now."""
    known = known_at(ledger, declaration.name, as_of)
    only = tuple(batch.batch for batch in known.batches if instant(batch.arrived_at) > since)
    return read_rows(tables, declaration.name, declaration.schema_, known, only=only) if only else None


def _judged(
    declaration: Declaration,
    rows: pd.DataFrame | None,
    in_batches: pd.DataFrame | None,
    served: ServedRows | None,
    since: datetime,
) -> EvaluationRows | None:
    """Rows that both models scored and whose label became known since the stage began; None without any.

    A label that was known before is left out: the candidate may have been trained on it. Of a served key its first
    answer counts, otherwise its batch.
    """
    import pandas as pd

    key = list(declaration.schema_.key)
    parts = [each for each in (served.by_key if served else None, in_batches) if each is not None and len(each)]
    if rows is None or not parts:
        return None
    scored = pd.concat(parts, ignore_index=True).drop_duplicates(key)
    judged = labelled(declaration, rows[rows[FIRST_KNOWN_AT] > since].merge(scored, on=key))
    return judged if len(judged.rows) else None


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
        labels_of(judged.rows, declaration.schema_),
        stacked(judged.rows[CHAMPION]),
        stacked(judged.rows[CANDIDATE]),
        judged.codes,
        cluster_by=declaration.evaluation.cluster_name,
        second=judged.second,
        weights=weights_of(judged.rows, declaration.schema_),
    )
    return _Compared(pairs, tuple(asked_metrics(declaration, metric)))


def _labelled_arms(
    declaration: Declaration,
    rows: pd.DataFrame | None,
    served: ServedRows | None,
    candidate: Candidate,
    as_of: datetime,
) -> Labelled | None:
    """Labels by arm; only a canary has two."""
    if rows is None or served is None or candidate.stage.kind != "canary":
        return None
    key = list(declaration.schema_.key)
    answered = rows.merge(served.by_key[[*key, ARM]], on=key)
    return labels_of_arms(answered, declaration, as_of) if len(answered) else None


def _values(
    declaration: Declaration, sources: Mapping[str, str], judged: EvaluationRows | None, candidate: Candidate
) -> Values | None:
    """The declared value of each key by arm, where the split is what counts."""
    if judged is None or candidate.stage.kind != "canary" or candidate.feedback == "none" or ARM not in judged.rows:
        return None
    name = declared_value(declaration)
    split = judged.rows[judged.rows[ARM].notna()]
    if name is None or split.empty:
        return None
    value = declared_metric(declaration, sources, name)
    return values_of_arms(split, labels_of(split, declaration.schema_), value, declaration)


def declared_value(declaration: Declaration) -> str | None:
    """The first custom metric with one number per row: what a prediction is worth."""
    return next((name for name, own in declaration.evaluation.metrics.items() if own.per == "row"), None)
