"""The decision that waits for a person: what it is about, who may answer, and the form where the site knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perennial.clock import day
from perennial.ledger.entries import Decision
from perennial.release.approvals import Standing, still_to_approve


@dataclass(frozen=True)
class Question:
    """lines: who has to approve, and what has to be written before. any_name: whether a typed name counts."""

    id: str
    version: int
    batch: str
    since: str
    lines: tuple[str, ...]
    any_name: bool


@dataclass(frozen=True)
class Form:
    """Where an answer is posted, and as whom.

    token: of the form. may_approve: otherwise the person can only refuse. signed: whether a signed token is needed too.
    """

    address: str
    by: str
    token: str
    may_approve: bool
    signed: bool


def question_of(
    decision: Decision, approvers: Mapping[str, Sequence[str]], lacks: Sequence[str], so_far: Standing | None = None
) -> Question:
    """lacks: what the risk tier requires and is missing. so_far: the approvals until now, None where nobody looked."""
    lines = []
    if so_far is not None and so_far.given and not so_far.missing:
        lines.append("Every role has approved, and the release was interrupted: approve once more, and it goes on.")
    elif so_far is not None and so_far.given:
        until = min(each.expires_at for each in so_far.given.values())
        by = ", ".join(f"{each.by} ({role})" for role, each in so_far.given.items())
        left = still_to_approve(so_far.missing, approvers)
        lines.append(f"Approved by {by}. Still to approve, until {day(until)}: {left}.")
    elif approvers:
        lines.append(f"It is released once approved by {still_to_approve(list(approvers), approvers)}.")
    if lacks:
        lines.append(f"The declaration's risk tier requires before: {'; '.join(lacks)}.")
    return Question(
        decision.id, decision.challenger.version, decision.batch, day(decision.as_of), tuple(lines), not approvers
    )
