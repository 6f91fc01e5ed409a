"""What is due for many use cases, from their sources and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennial.errors import PerennialError
from perennial.fleet.plan import Failed, FleetPlan, plan_of
from perennial.intake.due import windows_to_do
from perennial.store.workspace import Workspace


def due_of(workspace: Workspace, names: Sequence[str], now: datetime) -> FleetPlan:
    """The plan for these use cases. One that cannot be read is a failure by itself, and hides no other."""
    due, failed = {}, []
    for name in names:
        try:
            due[name] = windows_to_do(workspace.use_case(name), workspace.ledger, now)
        except (PerennialError, OSError) as error:
            failed.append(Failed(name, "", str(error)))
    return plan_of(due, failed)
