"""Approval by several roles, each by another person, and refusal. Every step is a row of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.clock import instant, write_instant
from perennial.errors import InputError, on_record
from perennial.ledger.entries import Approval, Decision, Endorsement, Proof, Refusal, Release
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import approval_of, refusal_of
from perennial.release.promote import approve, refuse_approval

Approvers = Mapping[str, Sequence[str]]
"""Role → the persons who may approve in it, in the order of the declaration."""


@dataclass(frozen=True)
class Person:
    """Who acts, and how that is known."""

    name: str
    proof: Proof


@dataclass(frozen=True)
class Standing:
    """Where the approvals of a decision are. given: role → the one that counts. missing: roles that are left.

    expired: the newest approvals of the missing roles that no longer count.
    """

    given: dict[str, Endorsement]
    missing: tuple[str, ...]
    expired: tuple[Endorsement, ...]


def standing(steps: Sequence[Endorsement], approvers: Approvers, now: datetime) -> Standing:
    """Which roles have approved. steps: of one decision, the oldest first. now: by the machine's clock.

    An approval counts until it expires, while its person still has the role, and for one role of a person only: two
    that were given at the same moment are both in the ledger.
    """
    given: dict[str, Endorsement] = {}
    expired: dict[str, Endorsement] = {}
    for step in steps:
        elsewhere = any(each.by == step.by for role, each in given.items() if role != step.role)
        if elsewhere or step.by not in approvers.get(step.role, ()):
            continue
        expired.pop(step.role, None)
        if now < instant(step.expires_at):
            given[step.role] = step
        else:
            expired[step.role] = step
    missing = tuple(role for role in approvers if role not in given)
    in_order = {role: given[role] for role in approvers if role in given}
    return Standing(in_order, missing, tuple(each for role, each in expired.items() if role in missing))


def still_to_approve(roles: Sequence[str], approvers: Approvers) -> str:
    """Roles with the persons who may approve in them.

    >>> still_to_approve(["risk"], {"owner": ["anna"], "risk": ["ben", "carla"]})
    'risk (ben or carla)'
    """
    return ", ".join(f"{role} ({' or '.join(approvers[role])})" for role in roles)


def endorsements(ledger: Ledger, decision: Decision) -> list[Endorsement]:
    """The approvals by role of a decision, the oldest first."""
    rows = ledger.all(decision.usecase, Endorsement)
    return [row.payload for row in rows if row.payload.decision == decision.id]


@dataclass(frozen=True)
class Endorsed:
    """What an approval led to. step: the one on record, None without roles. made: None while roles are missing."""

    step: Endorsement | None
    standing: Standing
    approval: Approval | None
    made: Row[Release] | None


def endorse(
    ledger: Ledger,
    decision: Decision,
    approvers: Approvers,
    person: Person,
    reason: str,
    *,
    as_of: datetime,
    now: datetime,
    lasts: timedelta,
) -> Endorsed:
    """Record a person's approval of a held decision and, once every role has approved, release its challenger.

    as_of: the use case's time. now: by the machine's clock. lasts: how long the approval counts.
    Raises InputError for a person who has no role that is left, what `approve` raises otherwise.
    """
    refuse_approval(ledger, decision)
    if not approvers:
        approval, made = approve(ledger, decision, person.name, reason, as_of, person.proof)
        return Endorsed(None, Standing({}, (), ()), approval, made)
    step = None
    before = standing(endorsements(ledger, decision), approvers, now)
    if before.missing and approval_of(ledger, decision) is None:
        repeated = [each for each in before.given.values() if (each.by, each.reason) == (person.name, reason)]
        role = repeated[0].role if repeated else _role_for(person, before, approvers, decision)
        step = repeated[0] if repeated else _append(ledger, decision, role, person, reason, now, lasts)
    after = standing(endorsements(ledger, decision), approvers, now)
    if approval_of(ledger, decision) is None and after.missing:
        return Endorsed(step, after, None, None)
    by = " and ".join(f"{each.by} ({role})" for role, each in after.given.items())
    why = "; ".join(f"{each.by}: {each.reason}" for each in after.given.values())
    with on_record("the approvals of all roles are recorded"):
        approval, made = approve(ledger, decision, by, why, as_of)
    return Endorsed(step, after, approval, made)


def _role_for(person: Person, before: Standing, approvers: Approvers, decision: Decision) -> str:
    """The first missing role that the person has. Raises InputError if there is none, or if they approved already."""
    roles = [role for role, names in approvers.items() if person.name in names]
    approved = next((role for role, each in before.given.items() if each.by == person.name), None)
    left = still_to_approve(before.missing, approvers)
    if not roles:
        raise InputError(
            f"{person.name} is not among the approvers of {decision.usecase}. Still to approve: {left}",
            code="approver-unknown",
            field="by",
            value=person.name,
        )
    if approved is not None:
        raise InputError(
            f"{person.name} has approved as {approved} already, and each role needs another person. Still to "
            f"approve: {left}",
            code="approver-twice",
            field="by",
            value=person.name,
        )
    role = next((each for each in roles if each in before.missing), None)
    if role is None:
        taken = ", ".join(f"{each} by {before.given[each].by}" for each in roles)
        raise InputError(
            f"approved already: {taken}. Still to approve: {left}", code="approver-twice", field="by", value=person.name
        )
    return role


def _append(
    ledger: Ledger, decision: Decision, role: str, person: Person, reason: str, now: datetime, lasts: timedelta
) -> Endorsement:
    """The row; of two persons in one role at once the first one's."""
    number = sum(each.role == role for each in endorsements(ledger, decision)) + 1
    row, _ = ledger.append(
        decision.usecase,
        Endorsement(
            decision=decision.id,
            role=role,
            number=number,
            by=person.name,
            proof=person.proof,
            reason=reason,
            at=write_instant(now),
            expires_at=write_instant(now + lasts),
        ),
    )
    return row.payload


def refuse(
    ledger: Ledger, decision: Decision, approvers: Approvers, person: Person, reason: str, as_of: datetime
) -> Refusal:
    """Record that a person refuses a held decision, which ends it. The first refusal counts.

    Raises what `refused_before` raises.
    """
    if (before := refused_before(ledger, decision, approvers, person)) is not None:
        return before
    row, _ = ledger.append(
        decision.usecase,
        Refusal(decision=decision.id, by=person.name, proof=person.proof, reason=reason, as_of=write_instant(as_of)),
    )
    if approval_of(ledger, decision) is not None:
        raise _approved_first(decision)
    return row.payload


def refused_before(ledger: Ledger, decision: Decision, approvers: Approvers, person: Person) -> Refusal | None:
    """The person's refusal that is on record already; None if they can refuse now. Writes nothing.

    Raises InputError for a decision that is not held or a person without a role, HeldBack if it was refused already by
    another person, ReleaseLost if it was approved first or another release was made since.
    """
    if approval_of(ledger, decision) is not None:
        raise _approved_first(decision)
    refused = refusal_of(ledger, decision)
    if refused is not None and refused.payload.by == person.name:
        return refused.payload
    refuse_approval(ledger, decision)
    if approvers and all(person.name not in names for names in approvers.values()):
        raise InputError(
            f"{person.name} is not among the approvers of {decision.usecase}",
            code="approver-unknown",
            field="by",
            value=person.name,
        )
    return None


def _approved_first(decision: Decision) -> InputError:
    return InputError(
        f"decision {decision.id} was approved first. To take the release back, roll it back.",
        code="decision-not-held",
        value=decision.id,
    )
