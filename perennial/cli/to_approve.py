"""How a held decision is approved: the command, who may give it, and what has to be written before."""

from __future__ import annotations

from perennial.governance.tier import lacked
from perennial.ledger.declaration_history import declared_at_newest_batch
from perennial.ledger.entries import Decision
from perennial.ledger.ledger import Ledger
from perennial.release.approvals import still_to_approve


def approve_command(ledger: Ledger, decision: Decision) -> str:
    """The command that approves. Where approvers are declared, a typed name would not count, so it has none."""
    by = "" if _approvers(ledger, decision) else "--by NAME "
    return f"perennial approve {decision.id} {by}--reason TEXT"


def approved_by(ledger: Ledger, decision: Decision) -> str:
    """Which roles have to approve, and who may in each, a clause to append; empty if anybody may."""
    approvers = _approvers(ledger, decision)
    return f", once given by {still_to_approve(list(approvers), approvers)}" if approvers else ""


def written_before(decision: Decision) -> str:
    """What the declaration has to state before, as the decision recorded it; empty if nothing."""
    lacks = lacked(decision)
    return f"the declaration's risk tier requires before: {'; '.join(lacks)}" if lacks else ""


def _approvers(ledger: Ledger, decision: Decision) -> dict[str, list[str]]:
    declared = declared_at_newest_batch(ledger, decision.usecase) or {}
    return dict(declared.get("governance", {}).get("approvers", {}))
