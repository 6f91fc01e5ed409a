"""Commands of a person who decides: `rollback`, `approve`. Repeating one has the effect of one."""

from __future__ import annotations

from datetime import datetime

from perennial.cli import machine_clock
from perennial.cli.acting import acting_person, person_if_known
from perennial.cli.decisions import find_decision
from perennial.cli.hints import example_of
from perennial.cli.output import as_json, flowing
from perennial.cli.reading import open_ledger
from perennial.clock import day, instant
from perennial.errors import HeldBack, InputError
from perennial.evaluation.figures import counted
from perennial.governance.tier import refuse_lacking
from perennial.ledger.entries import Approval, Decision, Snapshot
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import time_of
from perennial.processes.following import follow_answer, follow_release
from perennial.release.approvals import Approvers, Endorsed, endorsements, refused_before, standing, still_to_approve
from perennial.release.planned_stages import stage_in_words
from perennial.release.rollback import Rollback, RolledBack
from perennial.release.words import answer_in_words, release_reason
from perennial.settings import settings
from perennial.store.workspace import open_workspace, reading_workspace


def rollback(usecase: str, reason: str, by: str | None, seen: int | None, dry_run: bool, json: bool) -> None:
    """Raises InputError where there is nothing to go back to, or for a person who is not proven where that is needed;
    ModelUnloadable where the former model is gone.
    """
    from perennial.model.released import load_served
    from perennial.release.rollback import plan_rollback, roll_back

    given("--reason", reason)
    person = person_if_known(by)
    if dry_run:
        planned = plan_rollback(reading_workspace(settings()).ledger, usecase, reason, seen)
        _show_plan(usecase, planned, json)
        return
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    now = time_of(ledger, case.declaration, machine_clock.now())
    done = roll_back(
        ledger, usecase, now, reason, seen, lambda former: load_served(workspace.registry, usecase, former), by=person
    )
    made = done.row.payload
    follow_release(workspace, usecase, f"release {made.release_no} is recorded: {made.are_live} by the ledger")
    because = release_reason(made.kind, made.reason, made.by)
    if json:
        as_json(made.model_dump(mode="json"))
    elif done.made and (candidate := done.taken_back.candidate) is not None:
        flowing(
            f"{usecase}: {candidate.versions} is taken out of {stage_in_words(candidate.stage)}; "
            f"{made.versions} stays live, as release {made.release_no}. On record: {because}"
        )
    elif done.made:
        flowing(
            f"{usecase}: {made.are_live} again as release {made.release_no} "
            f"(features {made.features_digest[:12]}, snapshot {made.snapshot}), instead of "
            f"{done.taken_back.versions}. On record: {because}"
        )
    else:
        _say_already(usecase, done)
    if done.live.release_no != made.release_no:
        raise HeldBack(
            f"{usecase}: release {done.live.release_no} came after that and is live. To roll that back: "
            f"perennial rollback {usecase} --from {done.live.release_no} --reason TEXT"
        )


def _show_plan(usecase: str, planned: Rollback | RolledBack, json: bool) -> None:
    if isinstance(planned, RolledBack):
        back, instead, number = planned.row.payload, planned.taken_back, planned.row.payload.release_no
        text = f"{instead.versions} was already rolled back to {back.versions}, as release {number}."
    else:
        back, instead = planned.former.payload, planned.live.payload
        number = instead.release_no + 1
        candidate = instead.candidate
        text = (
            f"{candidate.versions} would be taken out of {stage_in_words(candidate.stage)}, as release "
            f"{number}; {back.versions} stays live."
            if candidate is not None
            else f"{back.versions} would be live again as release {number}, instead of {instead.versions}."
        )
    if json:
        view = {"usecase": usecase, "would_restore": back.release_no, "as_release": number}
        as_json({**view, "already": isinstance(planned, RolledBack)})
    else:
        flowing(f"{usecase}: {text} Nothing was changed.")


def _say_already(usecase: str, done: RolledBack) -> None:
    made, candidate = done.row.payload, done.taken_back.candidate
    if made.leaves_models and candidate is not None:
        further = f"take {made.versions} back too"
        did = f"{candidate.versions} was already taken out of {stage_in_words(candidate.stage)}"
    else:
        further = "go further back"
        did = f"release {done.taken_back.release_no} was already rolled back to {made.versions}"
    flowing(
        f"{usecase}: {did} on {done.row.recorded_at}, as release {made.release_no} (reason: {made.reason}). Nothing "
        "more was changed."
    )
    if done.live.release_no == made.release_no:
        flowing(f"  To {further}: perennial rollback {usecase} --from {made.release_no} --reason TEXT")


def approve(id: str, by: str | None, reason: str, dry_run: bool, json: bool) -> None:
    """Raises InputError for an unknown id, a person who may not, or where nobody is waited for; ReleaseLost."""
    from perennial.governance.answering import approve_held
    from perennial.release.promote import refuse_approval

    acting_person(by)
    given("--reason", reason)
    if dry_run:
        ledger = open_ledger()
        decision = find_decision(ledger, id).payload
        refuse_approval(ledger, decision)
        declaration = reading_workspace(settings()).use_case(decision.usecase).declaration
        person = acting_person(by, declaration)
        refuse_lacking(ledger, declaration)
        so_far = standing(endorsements(ledger, decision), declaration.governance.approvers, machine_clock.now())
        others = [role for role in so_far.missing if person.name not in declaration.governance.approvers[role]]
        if others:
            _show_missing(decision, others, json)
            return
        _show_approval(ledger, decision, time_of(ledger, declaration, machine_clock.now()), json)
        return
    workspace = open_workspace(settings())
    ledger, now = workspace.ledger, machine_clock.now()
    decision = find_decision(ledger, id).payload
    declaration = workspace.use_case(decision.usecase).declaration
    person = acting_person(by, declaration)
    done = approve_held(workspace, decision, person, reason, asked_at=now, now=now)
    if done.made is None or done.approval is None:
        follow_answer(workspace, decision.usecase, f"the approval by {person.name} is recorded")
        _show_step(decision, done, declaration.governance.approvers, json)
        return
    approval, made, version = done.approval, done.made.payload, decision.challenger.version
    follow_release(
        workspace,
        decision.usecase,
        f"the approval by {approval.by} and release {made.release_no} are recorded: {made.are_live} by the ledger",
    )
    if json:
        as_json(made.model_dump(mode="json"))
    elif done.step is not None or (approval.by, approval.reason) == (person.name, reason):
        live = f"version {version} is live as release {made.release_no}"
        flowing(f"{decision.usecase}: {live}, approved by {approval.by}.")
        _say_age(ledger, decision, time_of(ledger, declaration, now))
    else:
        flowing(
            f"{decision.usecase}: already approved by {approval.by} on {approval.as_of} (reason: {approval.reason}); "
            f"version {version} became release {made.release_no}. Nothing more was recorded."
        )


def refuse(id: str, by: str | None, reason: str, dry_run: bool, json: bool) -> None:
    """Raises InputError for an unknown id, a person who may not, or where nobody is waited for; HeldBack."""
    from perennial.governance.answering import refuse_held

    acting_person(by)
    given("--reason", reason)
    if dry_run:
        _show_refusal(id, by, json)
        return
    workspace = open_workspace(settings())
    decision = find_decision(workspace.ledger, id).payload
    person = acting_person(by, workspace.use_case(decision.usecase).declaration)
    refused = refuse_held(workspace, decision, person, reason, asked_at=machine_clock.now())
    follow_answer(workspace, decision.usecase, f"the refusal by {refused.by} is recorded")
    if json:
        as_json(refused.model_dump(mode="json"))
    else:
        version = decision.challenger.version
        flowing(f"{decision.usecase}: {answer_in_words(refused)}. Version {version} is not released.")


def _show_refusal(id: str, by: str | None, json: bool) -> None:
    """What a refusal would end, after every check that a refusal makes."""
    workspace = reading_workspace(settings())
    decision = find_decision(workspace.ledger, id).payload
    declaration = workspace.use_case(decision.usecase).declaration
    person = acting_person(by, declaration)
    before = refused_before(workspace.ledger, decision, declaration.governance.approvers, person)
    version = decision.challenger.version
    if json:
        view = {"usecase": decision.usecase, "decision": decision.id, "would_refuse": version}
        as_json({**view, "already": before is not None})
    elif before is not None:
        flowing(f"{decision.usecase}: already refused by {before.by}. Nothing was changed.")
    else:
        flowing(f"{decision.usecase}: {person.name} would refuse version {version}. Nothing was changed.")


def _show_missing(decision: Decision, roles: list[str], json: bool) -> None:
    """What an approval would leave open."""
    version = decision.challenger.version
    if json:
        as_json({"usecase": decision.usecase, "decision": decision.id, "would_release": None, "missing": roles})
    else:
        flowing(
            f"{decision.usecase}: version {version} would not be live yet; still to approve: {', '.join(roles)}. "
            "Nothing was changed."
        )


def _show_step(decision: Decision, done: Endorsed, approvers: Approvers, json: bool) -> None:
    """One approval of several: who has approved, and who is still to."""
    if json:
        as_json(
            {
                "usecase": decision.usecase,
                "decision": decision.id,
                "endorsement": done.step.model_dump(mode="json") if done.step else None,
                "missing": list(done.standing.missing),
            }
        )
        return
    given_by = ", ".join(f"{each.by} ({role})" for role, each in done.standing.given.items())
    left = still_to_approve(done.standing.missing, approvers)
    until = min(each.expires_at for each in done.standing.given.values())
    flowing(f"{decision.usecase}: approved by {given_by}. Still to approve, until {day(until)}: {left}.")


def _say_age(ledger: Ledger, decision: Decision, now: datetime) -> None:
    """What an approved model has learned from, and how long ago by the use case's clock that was."""
    snapshot = ledger.get(decision.usecase, Snapshot, decision.snapshot)
    if snapshot is not None:
        known = snapshot.payload.as_of
        days = counted(max((now - instant(known)).days, 0), "day", "days")
        flowing(f"  It was trained on what was known by {day(known)}, {days} ago.")


def _show_approval(ledger: Ledger, decision: Decision, now: datetime, json: bool) -> None:
    approval, version = ledger.get(decision.usecase, Approval, decision.id), decision.challenger.version
    number = decision.release_no + 1
    if json:
        view = {"usecase": decision.usecase, "decision": decision.id, "would_release": version, "as_release": number}
        as_json({**view, "already": approval is not None})
    elif approval is not None:
        flowing(f"{decision.usecase}: already approved by {approval.payload.by}. Nothing was changed.")
    else:
        flowing(f"{decision.usecase}: version {version} would be live as release {number}. Nothing was changed.")
        _say_age(ledger, decision, now)


def given(field: str, value: str) -> None:
    """Raise InputError for an empty word that the record needs."""
    if not value.strip():
        raise InputError(f"{field}: is empty; the record needs it", fix=example_of([field]) or None)
