"""OpenLineage events of a row of the ledger: a job for each step, with what it read and what it wrote.

A row always gives the same events, with the same ids, so that a receiver recognises one that is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from perennial.clock import instant, write_instant
from perennial.ledger.entries import (
    KIND_OF,
    BatchEntry,
    BatchScored,
    ChallengerEntry,
    Decision,
    LabelBatchEntry,
    Recorded,
    Release,
    SegmentCollected,
    Served,
    Snapshot,
)
from perennial.ledger.ledger import Row
from perennial.lineage.open_lineage import facets
from perennial.lineage.open_lineage.datasets import Dataset, Names, read, wrote
from perennial.lineage.open_lineage.facets import PRODUCER, Facet

EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
Event = dict[str, Any]


class About(Protocol):
    """What an event needs besides its row."""

    @property
    def names(self) -> Names:
        """Of the data sets."""

    def columns(self, declaration_digest: str) -> Mapping[str, str]:
        """The declared columns with their types."""

    def snapshot(self, snapshot: str) -> Snapshot:
        """A recorded snapshot."""

    def batch(self, batch: str) -> BatchEntry:
        """A recorded batch."""

    def checks(self, batch: str) -> Sequence[Mapping[str, Any]]:
        """The results of its checks; none where they are lost."""


@dataclass(frozen=True)
class Step:
    """What a row records of a step. failed: why it did not come to its end. seconds: how long it took, if known."""

    inputs: Sequence[Dataset]
    outputs: Sequence[Dataset]
    about: Mapping[str, Facet] = field(default_factory=dict)
    failed: str | None = None
    seconds: float = 0.0


def events_of(row: Row[Recorded], about: About) -> list[Event]:
    """The start and the end of the step that a row records; none for rows that move no data and no model."""
    job = JOBS.get(type(row.payload))
    if job is None:
        return []
    step, names = job.step(row.payload, about), about.names
    kind = KIND_OF[type(row.payload)]
    ours = facets.own(
        "LedgerRunFacet", usecase=names.usecase, position=row.position, kind=kind, key=row.key, hash=row.hash
    )
    failed = {"errorMessage": facets.error(step.failed)} if step.failed is not None else {}
    run = {"runId": str(uuid5(NAMESPACE_URL, f"{PRODUCER}:{row.hash}"))}
    ends = instant(row.recorded_at)
    begins = ends - timedelta(seconds=step.seconds)
    whole = {
        "job": {
            "namespace": names.namespace,
            "name": f"{names.usecase}.{job.name}",
            "facets": {"jobType": facets.job_type(), "documentation": facets.documentation(job.does)},
        },
        "inputs": list(step.inputs),
        "outputs": list(step.outputs),
        "producer": PRODUCER,
        "schemaURL": EVENT,
    }
    return [
        {"eventType": state, "eventTime": write_instant(at), "run": {**run, "facets": more}, **whole}
        for state, at, more in (
            ("START", begins, {"perennial_ledger": ours}),
            ("COMPLETE" if step.failed is None else "FAIL", ends, {**step.about, **failed, "perennial_ledger": ours}),
        )
    ]


def _ingest(batch: BatchEntry, about: About) -> Step:
    names, columns, checks = about.names, about.columns(batch.declaration_digest), about.checks(batch.batch)
    metrics = {"dataQualityMetrics": facets.statistics(batch.rows.arrived, checks)}
    checked = {"dataQualityAssertions": facets.assertions(checks)} if checks else {}
    outputs = []
    if batch.table_version is not None:
        outputs.append(wrote(names.table("accepted", batch.table_version, columns), batch.rows.accepted))
    if batch.quarantine_version is not None:
        outputs.append(wrote(names.table("quarantine", batch.quarantine_version, {}), batch.rows.quarantined))
    return Step(
        inputs=[read(names.landed(batch.landing), **metrics, **checked)],
        outputs=outputs,
        about={"nominalTime": facets.nominal_time(batch.start or batch.end, batch.end)},
        failed=f"held: {'; '.join(batch.held_because)}" if batch.status == "held" else None,
    )


def _labels(labels: LabelBatchEntry, about: About) -> Step:
    names = about.names
    outputs = (
        [] if labels.table_version is None else [wrote(names.table("labels", labels.table_version, {}), labels.rows)]
    )
    return Step(
        inputs=[read(names.landed(labels.landing))],
        outputs=outputs,
        about={"nominalTime": facets.nominal_time(labels.arrived_at)},
        failed=f"held: {'; '.join(labels.held_because)}" if labels.status == "held" else None,
    )


def _train(challenger: ChallengerEntry, about: About) -> Step:
    names, snapshot = about.names, about.snapshot(challenger.snapshot)
    inputs = [read(names.table("accepted", snapshot.version, about.columns(challenger.declaration_digest)))]
    inputs += [read(names.table("labels", None, {}))] if snapshot.label_batches else []
    ours = facets.own(
        "TrainingRunFacet",
        challenger=challenger.challenger,
        version=challenger.model.version,
        mlflow_run=challenger.model.run_id,
        model_digest=challenger.model.digest,
        features_digest=challenger.features_digest,
        declaration_digest=challenger.declaration_digest,
        code_version=challenger.code_version,
        trigger=challenger.trigger.kind,
        snapshot=snapshot.snapshot,
        snapshot_digest=snapshot.digest,
        rows=snapshot.rows,
        first=snapshot.first,
        last=snapshot.last,
        batches=list(snapshot.batches),
        label_batches=list(snapshot.label_batches),
    )
    return Step(
        inputs=inputs,
        outputs=[wrote(names.model(challenger.model.version))],
        about={"nominalTime": facets.nominal_time(challenger.as_of), "perennial_training": ours},
        seconds=challenger.seconds,
    )


def _decide(decision: Decision, about: About) -> Step:
    names = about.names
    live = [each.model.version for each in decision.live or ()]
    champions = live or ([decision.champion.version] if decision.champion is not None else [])
    mixture = decision.mixture.members if decision.mixture is not None else ()
    versions = {decision.challenger.version, *champions, *(each.model.version for each in mixture)}
    columns = about.columns(decision.declaration_digest)
    ours = facets.own(
        "DecisionRunFacet",
        id=decision.id,
        outcome=decision.outcome,
        policy=decision.policy.name,
        reasons=list(decision.reasons),
        challenger=decision.challenger.version,
        champions=champions,
        release_no=decision.release_no,
        rows=decision.evaluation.rows,
        clusters=decision.evaluation.clusters,
        first=decision.evaluation.first,
        last=decision.evaluation.last,
        evaluation_digest=decision.evaluation.digest,
        metrics=[
            {
                "name": each.name,
                "role": each.role,
                "gain": each.gain,
                "ci_low": each.ci_low,
                "ci_high": each.ci_high,
                "verdict": each.verdict,
            }
            for each in decision.metrics
        ],
    )
    return Step(
        inputs=[read(names.model(each)) for each in sorted(versions)] + [read(names.table("accepted", None, columns))],
        outputs=[wrote(names.decisions(decision.id))],
        about={"nominalTime": facets.nominal_time(decision.as_of), "perennial_decision": ours},
    )


def _release(release: Release, about: About) -> Step:
    names, candidate = about.names, release.candidate
    serves = [*release.serves, *(candidate.serves if candidate is not None else ())]
    decision = release.decision or (candidate.decision if candidate is not None else None)
    inputs = [read(names.model(version)) for version in sorted({each.model.version for each in serves})]
    ours = facets.own(
        "ReleaseRunFacet",
        release_no=release.release_no,
        kind=release.kind,
        stage=release.stage,
        reason=release.reason,
        decision=decision,
        restores=release.restores,
        models=[_served(each) for each in release.serves],
        candidate=[_served(each) for each in candidate.serves] if candidate is not None else [],
    )
    return Step(
        inputs=inputs + ([read(names.decisions(decision))] if decision is not None else []),
        outputs=[wrote(names.live(release.release_no))],
        about={"nominalTime": facets.nominal_time(release.as_of), "perennial_release": ours},
    )


def _served(served: Served) -> dict[str, Any]:
    return {"version": served.model.version, "digest": served.model.digest, "weight": served.weight}


def _score(scored: BatchScored, about: About) -> Step:
    names, batch = about.names, about.batch(scored.batch)
    columns = about.columns(batch.declaration_digest)
    return Step(
        inputs=[read(names.live(scored.release_no)), read(names.table("accepted", batch.table_version, columns))],
        outputs=[wrote(names.table("predictions", scored.table_version, {}), scored.rows)],
        about={"nominalTime": facets.nominal_time(scored.scored_at)},
        failed=scored.failed,
    )


def _collect(collected: SegmentCollected, about: About) -> Step:
    names = about.names
    return Step(
        inputs=[read(names.live(number)) for number in collected.releases],
        outputs=[wrote(names.table("predictions", collected.table_version, {}), collected.rows)],
        about={"nominalTime": facets.nominal_time(collected.first_at, collected.last_at)},
    )


@dataclass(frozen=True)
class Job:
    """A step. step: from a row's payload."""

    name: str
    does: str
    step: Callable[[Any, About], Step]


JOBS: dict[type[Recorded], Job] = {
    BatchEntry: Job("ingest", "Takes a batch in: accepted rows, rows set aside.", _ingest),
    LabelBatchEntry: Job("labels", "Takes in labels that arrived apart from their rows.", _labels),
    ChallengerEntry: Job("train", "Trains a challenger on a snapshot.", _train),
    Decision: Job("decide", "Compares a challenger with what is live, and decides.", _decide),
    Release: Job("release", "Makes models live, or begins or ends a stage.", _release),
    BatchScored: Job("score", "Predicts the rows of a batch with what is live.", _score),
    SegmentCollected: Job("collect", "Stores what a service answered.", _collect),
}
"""Kinds of ledger rows that give events."""
