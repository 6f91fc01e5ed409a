"""Automated responses to episodes, and messages to people. A target that is down never stops a run."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import Flow, runtime
from prefect.client.schemas.objects import FlowRun, State

from perennial.alerting import notifying
from perennial.alerting.notices import failure_of, response_in_words
from perennial.alerting.outbox import undelivered
from perennial.clock import instant, write_instant
from perennial.errors import InputError, TransientError
from perennial.fleet.plan import Failed
from perennial.ledger.entries import EpisodeRose, Recorded, ReleasesFrozen
from perennial.ledger.present import current_release
from perennial.model.released import load_served
from perennial.release import respond as responding
from perennial.release.promote import mirror_alias
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.declared_alerts import Responses
from perennial.watching.health import open_with_severity
from tasks.artifacts import show_freeze
from tasks.events import announce
from tasks.step import in_fleet, step

log = logging.getLogger("perennial.tasks")


def respond_to_episodes(usecase: str) -> None:
    """Run `respond` if the declaration has a response."""
    if open_workspace(settings()).declared(usecase).declaration.watch.respond != Responses():
        respond(usecase)


@step(timeout_minutes=15)
def respond(usecase: str) -> int:
    """Do what is declared for the severity of each open episode, once per episode; return how many rows that wrote."""
    workspace = open_workspace(settings())
    ledger, declaration = workspace.ledger, workspace.use_case(usecase).declaration
    written: list[Recorded] = []
    rises = {row.payload.episode: row.payload for row in ledger.all(usecase, EpisodeRose)}  # the newest of each
    for each in open_with_severity(ledger, usecase):
        risen = rises.get(each.episode.episode)
        written += responding.respond(
            ledger,
            usecase,
            declaration.watch.respond,
            each.episode,
            each.severity,
            instant(risen.risen_at if risen else each.episode.opened_at),
            risen.batch if risen else each.episode.batch,
            lambda former: load_served(workspace.registry, usecase, former),
        )
    live = current_release(ledger, usecase)
    if live is not None and live.cause is not None:
        mirror_alias(ledger, workspace.registry, usecase)  # also if a crash came between the release and its alias
    for row in written:
        log.warning("%s: automated response: %s", usecase, response_in_words(row))
    if any(isinstance(row, ReleasesFrozen) for row in written):
        show_freeze(usecase)
    announce(usecase)
    return len(written)


def notify_people(usecase: str) -> None:
    """Run `send_alerts` if there is anything to send. A backfill and a fleet do so once, at their end."""
    if runtime.flow_run.parent_flow_run_id is not None or in_fleet():
        return
    workspace = open_workspace(settings())
    try:
        is_due = undelivered(workspace.ledger, usecase) or notifying.due(workspace, usecase, os.environ)
    except TransientError as error:
        log.warning("%s: alerts are sent by the next run, since the ledger does not answer now: %s", usecase, error)
        return
    if is_due:
        send_alerts(usecase, return_state=True)


@step(timeout_minutes=5)
def send_alerts(usecase: str) -> int:
    """Queue and send what is due; return how many messages are still undelivered."""
    left = notifying.notify(open_workspace(settings()), usecase, os.environ, lambda: datetime.now(UTC))
    for each in left:
        if each.failed is not None:
            log.warning(
                "%s: %s could not be sent to %s: %s", usecase, each.message.title, each.message.target, each.failed.why
            )
    return len(left)


@step(timeout_minutes=15)
def notify_together(usecases: Sequence[str], failed: Sequence[Failed]) -> int:
    """Send what is due for a fleet, one message per target and kind; return how many messages are still undelivered.

    A use case that failed in a deployed run is reported too, like a cycle that fails.
    """
    workspace, at = open_workspace(settings()), write_instant(datetime.now(UTC))
    for each in failed if runtime.deployment.id is not None else ():
        try:
            failure = failure_of(workspace.ledger, each.usecase, each.why, at)
            notifying.report(workspace, each.usecase, failure, os.environ)
        except InputError as error:
            log.warning("%s: nobody gets a message about its failure: %s", each.usecase, error)
    left = notifying.notify_together(workspace, usecases, os.environ, lambda: datetime.now(UTC))
    for waiting in left:
        if (attempt := waiting.undelivered.failed) is not None:
            log.warning("%s: a message could not be sent to %s: %s", waiting.usecase, attempt.target, attempt.why)
    return len(left)


def report_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Send a message about a deployed run that failed. A hook; a person who typed a command sees the error there.

    The same failure is one message until a cycle finishes, however often the schedule repeats it.
    """
    usecase = flow_run.parameters.get("usecase")
    if usecase is None or flow_run.deployment_id is None:
        return
    workspace, at = open_workspace(settings()), write_instant(datetime.now(UTC))
    failure = failure_of(workspace.ledger, usecase, state.message or state.name or "", at)
    notifying.report(workspace, usecase, failure, os.environ)
    notifying.send_again(workspace, usecase, os.environ, lambda: datetime.now(UTC))
