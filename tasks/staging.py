"""Looks at the candidate in a stage, and lets it get further or takes it away."""

from __future__ import annotations

import logging
from datetime import datetime

from perennial.clock import instant, write_instant
from perennial.evaluation.staged.verdict import look_at
from perennial.ledger.entries import BatchEntry, Release, StageLooked
from perennial.ledger.ledger import Row
from perennial.ledger.present import current_release, freezes
from perennial.release.aborted import abort_reports
from perennial.release.looked import looked_in_cycle
from perennial.release.promote import mirror_alias
from perennial.release.stage_evidence import stage_evidence
from perennial.release.stages import follow_look, go_on, looks_of, running, undone_look
from perennial.serving.skew import candidates_again
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tasks.episodes import commit_episodes
from tasks.events import announce
from tasks.step import step

log = logging.getLogger("perennial.tasks")


def look_if_any(usecase: str, as_of: datetime) -> Release | None:
    """Run `look_at_stage` if there is anything to do."""
    return look_at_stage(usecase, as_of) if is_look_due(usecase, as_of) else None


def is_look_due(usecase: str, as_of: datetime) -> bool:
    """Whether a cycle has to look: at a stage that began before it, or at an abort that has no episode yet.

    What a cycle begins itself is looked at by the next one, also if this one is killed and run again.
    """
    ledger = open_workspace(settings()).ledger
    now = running(ledger, usecase)
    if now is not None and instant(now[0].as_of) < as_of:
        return True
    return bool(abort_reports(ledger, usecase, as_of))


@step(timeout_minutes=60)
def look_at_stage(usecase: str, as_of: datetime) -> Release | None:
    """Look at what came in since the stage began, and do what follows; the release that this made, if any.

    A freeze keeps a candidate from getting further until it ends, but never from being taken away.
    """
    workspace = open_workspace(settings())
    ledger, made = workspace.ledger, None
    looked = undone_look(ledger, usecase) or _looked(workspace, usecase, as_of)
    if looked is not None and (looked.payload.look.verdict == "abort" or not freezes(ledger, usecase)):
        made = follow_look(ledger, usecase, looked)
    commit_episodes(ledger, usecase, abort_reports(ledger, usecase, as_of))
    mirror_alias(ledger, workspace.registry, usecase)
    announce(usecase)
    if made is None:
        return None
    log.info("release %s %d: %s", usecase, made.payload.release_no, made.payload.reason)
    return made.payload


@step(timeout_minutes=10)
def end_stage(usecase: str, as_of: datetime, by: str, reason: str) -> Release:
    """A person lets the candidate get further at once."""
    workspace = open_workspace(settings())
    release = current_release(workspace.ledger, usecase)
    made = go_on(workspace.ledger, usecase, release.release_no if release else 0, as_of, by, reason).payload
    mirror_alias(workspace.ledger, workspace.registry, usecase)
    announce(usecase)
    log.info("release %s %d: %s", usecase, made.release_no, made.reason)
    return made


def outcome_of_looks(usecase: str, batch: BatchEntry) -> str:
    """What looks at a stage changed in the batch's cycle, to put before its decision; empty if nothing."""
    changes = looked_in_cycle(open_workspace(settings()).ledger, usecase, batch)
    return "".join(f"{each.partition(': ')[0]}; " for each in changes)


def _looked(workspace: Workspace, usecase: str, as_of: datetime) -> Row[StageLooked] | None:
    """A look at this time, on record; the former one if nothing is new since. None if no candidate is in a stage."""
    ledger, now = workspace.ledger, running(workspace.ledger, usecase)
    if now is None:
        return None
    release, candidate = now
    again = candidates_again(workspace, usecase, ledger, release)
    seen = stage_evidence(workspace.tables, ledger, usecase, release, as_of, again)
    look, former = look_at(seen.evidence), looks_of(ledger, usecase, release.release_no)
    if former and (former[-1].payload.evidence, former[-1].payload.look.verdict) == (seen.digest, look.verdict):
        return former[-1]
    row, _ = ledger.append(
        usecase,
        StageLooked(
            release_no=release.release_no,
            number=len(former) + 1,
            decision=candidate.decision,
            as_of=write_instant(as_of),
            elapsed_days=seen.evidence.elapsed_days,
            evidence=seen.digest,
            look=look,
        ),
    )
    log.info("stage %s release %d: %s", usecase, release.release_no, row.payload.look.reason)
    return row
