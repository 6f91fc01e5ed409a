"""Watching the champion on a batch, opening and closing episodes."""

from __future__ import annotations

import logging

from perennial.clock import instant
from perennial.errors import InputError
from perennial.release.evaluation_rows import rows_to_watch
from perennial.release.models import load_champion
from perennial.release.state import current_release
from perennial.store.entries import BatchEntry, EpisodeClosed, Health
from perennial.store.rows import known_at
from perennial.store.workspace import open_workspace
from perennial.watching.health import changes, episode_of, health, look, open_episodes, wants_retraining
from tasks.step import step


@step(timeout_minutes=5)
def batch_of(usecase: str, window: str | None) -> BatchEntry | None:
    """The newest revision of a window, or of the newest window; None before the first batch."""
    batches = [r.payload for r in open_workspace().ledger.all(usecase, BatchEntry)]
    if window is not None and window not in {b.window for b in batches}:
        raise InputError(f"{usecase}: batch {window!r} was never ingested; see `perennial batches {usecase}`")
    return next((b for b in reversed(batches) if window in (None, b.window)), None)


log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=30)
def watch_champion(usecase: str, batch: BatchEntry) -> Health:
    """Hold the champion against its reference on a batch; open an episode where it went bad, close one that is over."""
    workspace = open_workspace()
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    release = current_release(ledger, usecase)
    if release is None or batch.status == "held":
        return health(usecase, batch.batch, batch.arrived_at, None, [], batch.rows.accepted, retrain=False)
    known = known_at(ledger, usecase, instant(batch.arrived_at))
    rows, judging = rows_to_watch(workspace.tables, case.declaration, known, batch)
    champion = load_champion(workspace.registry, usecase, release)
    findings = look(case.declaration, champion, release.reference, rows, judging.rows, judging.codes)
    due = changes(findings, open_episodes(ledger, usecase), release.release_no)
    for closing in due.closes:
        ledger.append(
            usecase,
            EpisodeClosed(
                episode=closing.episode, closed_at=batch.arrived_at, batch=batch.batch, detail=closing.detail
            ),
        )
        log.info("episode %s %s closed: %s", usecase, closing.episode, closing.detail)
    for opening in due.opens:
        ledger.append(usecase, episode_of(opening, batch.batch, batch.arrived_at, release.release_no))
        log.warning("episode %s %s opened: %s", usecase, opening.channel, opening.detail)
    retrain = case.declaration.triggers.on_drift and wants_retraining(ledger, usecase) is not None
    return health(
        usecase,
        batch.batch,
        batch.arrived_at,
        findings,
        open_episodes(ledger, usecase),
        batch.rows.accepted,
        retrain=retrain,
    )


@step(timeout_minutes=10)
def ask_for_retraining(usecase: str, health: Health) -> str:
    """Start the train deployment once for the open episode; the flow run's id, whoever asked first.

    The key is the episode's, so asking again (after a crash, or by another watcher) starts nothing new.
    """
    from prefect.deployments import run_deployment

    wanted = wants_retraining(open_workspace().ledger, usecase)
    if wanted is None:
        raise InputError(f"{usecase}: batch {health.batch}: no open episode lacks a retraining")
    run = run_deployment(
        "train/train",
        parameters={"usecase": usecase, "trigger": {"kind": "drift", "event": wanted}},
        idempotency_key=f"drift:{usecase}:{wanted}",
        timeout=0,
    )
    return str(run.id)
