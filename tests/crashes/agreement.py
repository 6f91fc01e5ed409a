"""What holds in every home, however often its processes were killed, and what two homes have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from mlflow import MlflowClient

from perennial.clock import instant
from perennial.ledger.entries import (
    KINDS,
    AlertFailed,
    BatchEntry,
    ChallengerEntry,
    Decision,
    LabelBatchEntry,
    Release,
)
from perennial.ledger.present import current_release, waiting_challenger
from perennial.release.doctor import examine
from perennial.store.known import known_at
from perennial.store.workspace import Workspace

NOW = "2030-01-01T00:00:00Z"
# What differs between two runs of the same thing, and does not affect its result. The last two show what was
# still to do when the cycle was finished, and a cycle that was killed on its way had less to do.
_PASSING = {"seconds", "run_id", "code_version", "table", "at", "action", "waits"}


def assert_readers_see_whole_batches(workspace: Workspace, usecase: str) -> None:
    """Between a crash and the next run: what the ledger has committed is there, whole, and one model serves at most."""
    ledger, tables = workspace.ledger, workspace.tables
    ledger.verify(usecase)
    accepted, aside = tables.batches(usecase, "accepted"), tables.batches(usecase, "quarantine")
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    for batch in batches:
        assert accepted.get(batch.batch, 0) == batch.rows.accepted
        assert aside.get(batch.batch, 0) == batch.rows.quarantined
        whole = batch.rows.arrived == batch.rows.accepted + batch.rows.quarantined
        assert whole or batch.status == "held"
    taken = {(b.window, b.digest, b.declaration_digest, b.waived) for b in batches}
    assert len(taken) == len(batches), "a batch is in the ledger twice"
    late = tables.batches(usecase, "labels")
    for labels in [row.payload for row in ledger.all(usecase, LabelBatchEntry)]:
        assert late.get(labels.batch, 0) == labels.rows
    numbers = [row.payload.release_no for row in ledger.all(usecase, Release)]
    assert numbers == list(range(1, len(numbers) + 1))


def assert_whole(workspace: Workspace, usecase: str) -> None:
    """After the last run: nothing lost, nothing doubled, one champion, the alias right, nothing left to repair."""
    assert_readers_see_whole_batches(workspace, usecase)
    ledger, tables, registry = workspace.ledger, workspace.tables, workspace.registry
    committed = {r.payload.batch for r in ledger.all(usecase, BatchEntry)}
    committed |= {r.payload.batch for r in ledger.all(usecase, LabelBatchEntry)}
    for name in ("accepted", "quarantine", "labels"):
        assert set(tables.batches(usecase, name)) <= committed
    keys = _accepted(workspace, usecase)
    assert not keys.duplicated().any(), "a row was taken in twice"

    release = current_release(ledger, usecase)
    assert registry.champion(usecase) == (release.serves[0].model.version if release else None)

    client = MlflowClient(workspace.settings.mlflow_tracking_uri, workspace.settings.mlflow_tracking_uri)
    versions = {int(v.version): v for v in client.search_model_versions(f"name = '{usecase}'")}
    trained = [row.payload for row in ledger.all(usecase, ChallengerEntry)]
    assert {c.model.version for c in trained} == set(versions), "each version is one challenger's, and the reverse"
    assert len({c.challenger for c in trained}) == len(trained)
    for challenger in trained:
        tags = versions[challenger.model.version].tags
        assert (tags["perennial.challenger"], tags["perennial.digest"]) == (
            challenger.challenger,
            challenger.model.digest,
        )
    waiting = waiting_challenger(ledger, usecase)
    decided = {row.payload.challenger_id: row.payload.outcome for row in ledger.all(usecase, Decision)}
    for challenger in trained:
        if challenger.challenger in decided:
            state = versions[challenger.model.version].tags["perennial.state"]
            assert state == decided[challenger.challenger], "MLflow has the decision too"
    assert waiting is None or versions[waiting.model.version].tags["perennial.state"] == "waiting"
    left = examine(ledger, tables, registry, usecase, NOW)
    assert [d.what for d in left if d.mend is None] == []
    for difference in left:
        assert difference.mend is not None
        difference.mend()
    assert examine(ledger, tables, registry, usecase, NOW) == []


def story(workspace: Workspace, usecase: str) -> dict[str, list[Any]]:
    """All that happened by the ledger, kind by kind, without what differs from run to run.

    Saved models differ in their bytes, though not in what they predict, and a decision's id is made of them:
    models are named by version here and decisions by their place.
    """
    ledger = workspace.ledger
    places = {row.key: f"decision {place}" for place, row in enumerate(ledger.all(usecase, Decision), start=1)}
    return {
        kind: [_lasting(row.payload.model_dump(mode="json"), places) for row in ledger.all(usecase, payload)]
        for kind, payload in KINDS.items()
        if payload is not AlertFailed  # how often a target was tried depends on how long everything took
    }


def _accepted(workspace: Workspace, usecase: str) -> pd.DataFrame:
    key = list(workspace.use_case(usecase).declaration.schema_.key)
    counting = known_at(workspace.ledger, usecase, instant(NOW)).batch_ids
    table = workspace.tables.read(usecase, "accepted", list(counting), columns=key)
    assert table is not None
    found: pd.DataFrame = table.to_pandas()
    return found


def _lasting(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        passing = _PASSING | ({"digest"} if "run_id" in value else set())
        return {name: _lasting(inner, places) for name, inner in value.items() if name not in passing}
    if isinstance(value, list):
        return [_lasting(inner, places) for inner in value]
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(name, place)
    return value
