"""Watching the champion on a batch, opening and closing episodes."""

from __future__ import annotations

import logging

from perennial.clock import instant
from perennial.release.evaluation_rows import all_and_labelled
from perennial.release.models import load_champion
from perennial.release.state import current_release
from perennial.store.entries import BatchEntry, EpisodeClosed, Health
from perennial.store.rows import known_at
from perennial.store.workspace import open_workspace
from perennial.watching.health import changes, episode_of, health, look, open_episodes, wants_retraining
from tasks.step import step

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
    rows, judging = all_and_labelled(workspace.tables, case.declaration, known, batch)
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
