"""The answer of a person to a held decision, under the same rules by command, form and site."""

from __future__ import annotations

from datetime import datetime

from perennial.governance.tier import refuse_lacking
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import Decision, Refusal
from perennial.ledger.present import time_of
from perennial.release.approvals import Endorsed, Person, endorse, refuse
from perennial.release.promote import refuse_approval
from perennial.store.workspace import Workspace


def approve_held(
    workspace: Workspace, decision: Decision, person: Person, reason: str, *, asked_at: datetime, now: datetime
) -> Endorsed:
    """Record an approval and, once every role has approved, release the challenger.

    asked_at, now: by the machine's clock; the use case's time is that of `asked_at`.
    Raises what `endorse` raises, HeldBack for what the risk tier requires and lacks, ModelUnloadable.
    """
    from perennial.model.released import load_model

    ledger, case = workspace.ledger, workspace.use_case(decision.usecase)
    rules = case.declaration.governance
    refuse_approval(ledger, decision)
    refuse_lacking(ledger, case.declaration)
    load_model(workspace.registry, decision.usecase, decision.challenger)
    record_declaration(ledger, case)
    as_of = time_of(ledger, case.declaration, asked_at)
    return endorse(
        ledger, decision, rules.approvers, person, reason, as_of=as_of, now=now, lasts=rules.approvals_expire
    )


def refuse_held(
    workspace: Workspace, decision: Decision, person: Person, reason: str, *, asked_at: datetime
) -> Refusal:
    """Record a refusal, which ends the decision. Raises what `refuse` raises."""
    ledger, case = workspace.ledger, workspace.use_case(decision.usecase)
    as_of = time_of(ledger, case.declaration, asked_at)
    record_declaration(ledger, case)
    return refuse(ledger, decision, case.declaration.governance.approvers, person, reason, as_of)
