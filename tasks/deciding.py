"""Comparing the waiting challenger with the champion, and releasing what the policy says."""

from __future__ import annotations

import logging
from datetime import datetime

from perennial.clock import write_instant
from perennial.deciding import decision as deciding
from perennial.deciding.decision import Waits
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.deciding.loading import load_contest
from perennial.errors import RunDeleted
from perennial.evaluation.words import headline
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import NO_CHALLENGER, Decision, Trigger
from perennial.ledger.present import (
    current_release,
    decision_taken,
    says_release,
    undone_decision,
    waiting_challenger,
)
from perennial.release.promote import mirror_alias, release_blend, release_decided
from perennial.settings import settings
from perennial.store.newly_wrong import keep_newly_wrong
from perennial.store.rows import known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.team_code.metrics import metric_sources
from tasks.artifacts import show_decision
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=60)
def compare(usecase: str, batch: str, as_of: datetime, trigger: Trigger) -> Decision | Waits:
    """Score champion and waiting challenger on the same fresh rows and commit the decision.

    A decision whose release a crash prevented comes back first, and so does one that was taken at this moment
    already, so that its release, the alias and the registry's notes follow.
    """
    workspace = open_workspace(settings())
    ledger, registry, case = workspace.ledger, workspace.registry, workspace.use_case(usecase)
    unfinished = undone_decision(ledger, usecase) or decision_taken(ledger, usecase, as_of)
    if unfinished is not None:
        return unfinished
    waiting, release = waiting_challenger(ledger, usecase), current_release(ledger, usecase)
    if waiting is None:
        return Waits(NO_CHALLENGER)
    registry.refuse_deleted(usecase)
    rows = evaluation_rows(workspace.tables, ledger, case.declaration, known_at(ledger, usecase, as_of), waiting)
    contest, sources = load_contest(registry, usecase, waiting, release), metric_sources(case)
    record_declaration(ledger, case)
    history = [r.payload for r in ledger.all(usecase, Decision)]
    found = deciding.decide(case.declaration, contest, rows, history, batch, write_instant(as_of), trigger, sources)
    if isinstance(found, Waits):
        log.info("challenger %s %s waits: %s", usecase, waiting.challenger, found.why)
        return found
    keep_newly_wrong(workspace.tables, usecase, found.decision.id, found.newly_wrong)
    row, _ = ledger.append(usecase, found.decision)
    log.info("decision %s %s: %s", usecase, row.key, row.payload.outcome)
    return row.payload


@step(timeout_minutes=20)
def carry_out(usecase: str, decision: Decision) -> None:
    """What follows from a decision: the release where it makes one, MLflow's record of it, an artifact."""
    release.fn(usecase, decision.id)
    note_in_registry.fn(usecase, decision.id)
    show_decision(usecase, decision)


@step(timeout_minutes=10)
def release(usecase: str, decision: str) -> int | None:
    """Carry a decision out: the release number it made, or None where it releases nothing."""
    workspace = open_workspace(settings())
    said = _taken(workspace, usecase, decision)
    made = None
    if says_release(workspace.ledger, said):
        made = release_decided(workspace.ledger, said).payload.release_no
        log.info("release %s %d: version %d serves", usecase, made, said.challenger.version)
    mirror_alias(workspace.ledger, workspace.registry, usecase)
    return made


@step(timeout_minutes=10)
def blend(usecase: str, as_of: datetime) -> int | None:
    """Let the newest refit serve its share, or none any more: the release number that made, None where all is so."""
    workspace = open_workspace(settings())
    made = release_blend(workspace.ledger, usecase, as_of)
    if made is None:
        return None
    log.info("release %s %d: %s", usecase, made.payload.release_no, made.payload.reason)
    mirror_alias(workspace.ledger, workspace.registry, usecase)
    return made.payload.release_no


@step(timeout_minutes=10)
def note_in_registry(usecase: str, decision: str) -> None:
    """Let MLflow tell the decision too: outcome and reason as tags, values as metrics."""
    workspace = open_workspace(settings())
    said = _taken(workspace, usecase, decision)
    metrics = {f"decision_{m.name}": m.challenger for m in said.metrics if m.challenger is not None}
    gains = {f"decision_{m.name}_gain": m.gain for m in said.metrics if m.gain is not None}
    champion = said.champion.version if said.champion else None
    reason = " ".join((headline(said.outcome, champion, said.challenger.version, said.batch) + ".", *said.reasons))
    try:
        workspace.registry.record_decision(usecase, said.challenger, said.outcome, reason, {**metrics, **gains})
    except RunDeleted as error:
        # The ledger has the decision; MLflow's copy of it cannot be made where the run is gone.
        log.warning("decision %s %s is not noted in MLflow: %s", usecase, said.id, error)


def _taken(workspace: Workspace, usecase: str, decision: str) -> Decision:
    row = workspace.ledger.get(usecase, Decision, decision)
    if row is None:
        raise LookupError(f"decision {decision} is not in the ledger of {usecase}")
    return row.payload
