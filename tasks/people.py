"""What people decide: approvals, rollbacks, ends of freezes, waivers. Repeating one has the effect of one."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from perennial.errors import InputError, on_record
from perennial.governance.answering import approve_held, refuse_held
from perennial.governance.person import name_if_known, person_of
from perennial.intake.set_aside import checks_to_waive, failed_checks, waivable_holds
from perennial.ledger.entries import Decision, Refusal, Release, Waiver
from perennial.ledger.present import open_question, time_of
from perennial.model.released import load_model, load_served
from perennial.release.approvals import Endorsed, Person
from perennial.release.promote import mirror_alias
from perennial.release.resume import Resumed, resume_and_release
from perennial.release.rollback import roll_back
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.declaration import Declaration
from tasks.artifacts import show_freeze
from tasks.as_of import scheduled_start
from tasks.events import announce
from tasks.step import step
from tasks.validating import newest_revision

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=10)
def approve_decision(usecase: str, decision: str | None, by: str, reason: str, token: str | None) -> Endorsed:
    """Approve a held decision: the given one, or the one that waits for a person. It is released by the last role."""
    workspace = open_workspace(settings())
    held = _held(workspace, usecase, decision)
    person, asked_at = acting(workspace.use_case(usecase).declaration, by, token), scheduled_start()
    done = approve_held(workspace, held, person, given("reason", reason), asked_at=asked_at, now=datetime.now(UTC))
    if done.made is None or done.approval is None:
        log.info("decision %s %s: approved by %s, %s missing", usecase, held.id, person.name, done.standing.missing)
        return done
    with on_record(f"the approval by {done.approval.by} and release {done.made.payload.release_no} are recorded"):
        mirror_alias(workspace.ledger, workspace.registry, usecase)
    log.info("release %s %d: approved by %s", usecase, done.made.payload.release_no, done.approval.by)
    announce(usecase)
    return done


@step(timeout_minutes=10)
def refuse_decision(usecase: str, decision: str | None, by: str, reason: str, token: str | None) -> Refusal:
    """Refuse a held decision: the given one, or the one that waits for a person."""
    workspace = open_workspace(settings())
    held = _held(workspace, usecase, decision)
    person = acting(workspace.use_case(usecase).declaration, by, token)
    refused = refuse_held(workspace, held, person, given("reason", reason), asked_at=scheduled_start())
    log.info("decision %s %s: refused by %s", usecase, held.id, refused.by)
    announce(usecase)
    return refused


def acting(declaration: Declaration, by: str, token: str | None) -> Person:
    """Who fills in a form: the environment of a worker is not that of the person. Raises InputError."""
    return person_of(
        by,
        user=None,
        token=token,
        token_key=settings().token_key,
        must_prove=bool(declaration.governance.approvers),
    )


@step(timeout_minutes=10)
def form_person(usecase: str, by: str, token: str | None) -> Person:
    """Who fills in a form of a use case."""
    return acting(open_workspace(settings()).use_case(usecase).declaration, by, token)


@step(timeout_minutes=10)
def restore_former(usecase: str, reason: str, by: str | None, token: str | None, release_no: int | None) -> Release:
    """Roll back to the previous champion, as a new release: of the given release, or the one live at the run's start.

    A run may wait for a cycle to end; what the cycle releases is not what the person meant.
    """
    workspace = open_workspace(settings())
    case, registry = workspace.use_case(usecase), workspace.registry
    person = name_if_known(by, user=None, token=token, token_key=workspace.settings.token_key)
    asked_at = scheduled_start()
    now = time_of(workspace.ledger, case.declaration, asked_at)
    done = roll_back(
        workspace.ledger,
        usecase,
        now,
        given("reason", reason),
        release_no,
        lambda former: load_served(registry, usecase, former),
        by=person,
        asked_at=asked_at,
    )
    with on_record(f"release {done.row.payload.release_no} is recorded"):
        mirror_alias(workspace.ledger, registry, usecase)
    log.info("release %s %d: rolled back", usecase, done.row.payload.release_no)
    announce(usecase)
    return done.row.payload


@step(timeout_minutes=10)
def resume_releases(usecase: str, by: str, reason: str, token: str | None) -> Resumed:
    """End every freeze of releases, and release what the newest decision calls for."""
    workspace = open_workspace(settings())
    case, registry = workspace.use_case(usecase), workspace.registry
    person = acting(case.declaration, by, token)
    now = time_of(workspace.ledger, case.declaration, scheduled_start())
    resumed = resume_and_release(
        workspace.ledger,
        usecase,
        person.name,
        given("reason", reason),
        now,
        lambda decision: load_model(registry, usecase, decision.challenger),
    )
    if resumed.made is not None:
        with on_record(f"release {resumed.made.release_no} is recorded"):
            mirror_alias(workspace.ledger, registry, usecase)
    if resumed.ended:
        log.info("releases of %s are resumed", usecase)
        show_freeze(usecase)
    announce(usecase)
    return resumed


@step(timeout_minutes=10)
def record_waiver(usecase: str, window: str, checks: list[str], by: str, reason: str, token: str | None) -> Waiver:
    """Record that failed checks do not matter for what landed for a batch. Its checks are to be run again then."""
    workspace = open_workspace(settings())
    person = acting(workspace.use_case(usecase).declaration, by, token)
    batch = newest_revision(workspace.ledger, usecase, window)
    if batch is None:
        raise InputError(f"{usecase} has no batch {window!r}", code="batch-unknown", field="window", value=window)
    failed = [*failed_checks(workspace.validations.read(usecase, batch.batch)), *waivable_holds(batch)]
    asked = checks_to_waive(checks, failed, batch)
    waiver = Waiver(window=window, landing=batch.landing, checks=asked, by=person.name, reason=given("reason", reason))
    row, _ = workspace.ledger.append(usecase, waiver)
    return row.payload


def _held(workspace: Workspace, usecase: str, id: str | None) -> Decision:
    """The decision with that id, or the beginning of it. Raises InputError, also if nobody is waited for."""
    if not id:
        question = open_question(workspace.ledger, usecase)
        if question is None:
            raise InputError(f"{usecase}: no decision waits for a person. Nothing was changed.")
        return question
    matching = [row.payload for row in workspace.ledger.all(usecase, Decision) if row.key.startswith(id)]
    if len(matching) != 1:
        raise InputError(
            f"{usecase} has {len(matching) or 'no'} decisions with an id that begins with {id!r}",
            code="decisions-none",
            field="decision",
            value=id,
        )
    return matching[0]


def given(field: str, value: str) -> str:
    """The words of a person. Raises InputError if there are none."""
    if not value.strip():
        raise InputError("is empty; the record needs it", field=field)
    return value.strip()
