"""What is known about a stage at a moment: predictions of both models since it began, with the labels they got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.content import digest_rows
from perennial.deciding.evaluation_rows import labelled
from perennial.deciding.scored_models import asked_metrics
from perennial.deciding.then import declaration_then, needed, sources_then
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Paired, paired
from perennial.evaluation.staged.evidence import Evidence, Traffic
from perennial.identity import digest
from perennial.ledger.entries import BatchScored, Candidate, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.our_columns import BATCH, FIRST_KNOWN_AT, LABEL, PROBABILITIES, SCORE
from perennial.release.stages import looks_of
from perennial.store.known import known_at
from perennial.store.rows import labels_of, read_rows
from perennial.store.tables import Tables
from perennial.team_code.metrics import declared_metric
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

CHAMPION, CANDIDATE = "champion", "candidate"


@dataclass(frozen=True)
class Seen:
    """The evidence of a look and the digest of what it was computed from."""

    evidence: Evidence
    digest: str


def stage_evidence(tables: Tables, ledger: Ledger, usecase: str, release: Release, as_of: datetime) -> Seen:
    """What is known at `as_of` about the stage that a release began.

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
    scored = _scored(tables, declaration, batches)
    traffic = _traffic(batches, scored, declaration)
    pairs, metrics, rows_digest = _pairs(tables, ledger, declaration, sources, scored, candidate, as_of)
    looks = [row.payload.look.information for row in looks_of(ledger, usecase, release.release_no)]
    evidence = Evidence(
        stage=candidate.stage.kind,
        share=candidate.stage.share,
        feedback=candidate.feedback,
        planned_days=candidate.stage.days,
        elapsed_days=max(0.0, (as_of - instant(candidate.since)).total_seconds() / 86400),
        traffic=traffic,
        looks=tuple(each for each in looks if each is not None),
        pairs=pairs,
        metrics=metrics,
    )
    return Seen(evidence, digest([vars(traffic), rows_digest]))


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
        invalid=0 if scored is None else _invalid(_values(scored[CANDIDATE]), declaration),
    )


def _invalid(predictions: np.ndarray, declaration: Declaration) -> int:
    """Predictions, of shape (n,) or (n, K), that are no finite numbers, or no probabilities where those are asked."""
    right = np.isfinite(predictions)
    if declaration.schema_.task != "regression":
        right &= (predictions >= 0) & (predictions <= 1)
    return int((~right.reshape(len(right), -1).all(axis=1)).sum())


def _scored(tables: Tables, declaration: Declaration, batches: Sequence[BatchScored]) -> pd.DataFrame | None:
    """Keys with the predictions of both models, `CHAMPION` and `CANDIDATE`; None without any."""
    schema = declaration.schema_
    key, column = list(schema.key), PROBABILITIES if schema.task == "multiclass" else SCORE
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


def _pairs(
    tables: Tables,
    ledger: Ledger,
    declaration: Declaration,
    sources: Mapping[str, str],
    scored: pd.DataFrame | None,
    candidate: Candidate,
    as_of: datetime,
) -> tuple[Paired | None, tuple[Asked, ...], str]:
    """The scored rows whose label became known since the stage began, the metrics on them, and their digest.

    A label that was known before is left out: the candidate may have been trained on it.
    """
    if scored is None:
        return None, (), ""
    schema, known = declaration.schema_, known_at(ledger, declaration.name, as_of)
    since = instant(candidate.since)
    only = tuple(batch.batch for batch in known.batches if instant(batch.arrived_at) > since)
    if not only:
        return None, (), ""
    rows = read_rows(tables, declaration.name, schema, known, only=only)
    judged = labelled(declaration, rows[rows[FIRST_KNOWN_AT] > since].merge(scored, on=list(schema.key)))
    if not len(judged.rows):
        return None, (), ""

    def metric(name: str) -> Metric:
        return declared_metric(declaration, sources, name, rows=judged.rows, codes=judged.codes)

    pairs = paired(
        labels_of(judged.rows, schema),
        _values(judged.rows[CHAMPION]),
        _values(judged.rows[CANDIDATE]),
        judged.codes,
        cluster_by=declaration.evaluation.cluster_name,
        second=judged.second,
    )
    of_rows = digest_rows(judged.rows[[*schema.key, LABEL]], list(schema.key))
    return pairs, tuple(asked_metrics(declaration, metric)), of_rows


def _values(column: pd.Series) -> np.ndarray:
    """Shape (n,), or (n, K) for a column of lists."""
    return np.stack(column.to_numpy()) if column.dtype == object else column.to_numpy(dtype=np.float64)
