"""What is due for many use cases, from their sources and the ledger: batches and refits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennial.backtest.kept_worth import kept_worth
from perennial.clock import instant
from perennial.errors import PerennialError
from perennial.fleet.budget import DueRefit, still_waits
from perennial.fleet.plan import Failed, FleetPlan, plan_of
from perennial.intake.due import listed, windows_to_do
from perennial.ledger.entries import ChallengerEntry, Cycle, Trigger
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import accepted_batch
from perennial.store.workspace import Workspace
from perennial.usecase.declared_fleet import FleetBudget

_DAY = 86400


def due_of(workspace: Workspace, names: Sequence[str], now: datetime) -> FleetPlan:
    """The plan for these use cases. One that cannot be read is a failure by itself, and hides no other."""
    due, failed = {}, []
    for name in names:
        try:
            case = workspace.use_case(name)
            due[name] = windows_to_do(case, workspace.ledger, listed(case, now).ready)
        except (PerennialError, OSError) as error:
            code = error.code if isinstance(error, PerennialError) else "failed"
            failed.append(Failed(name, "", str(error), code=code))
    return plan_of(due, failed)


def refit_of(
    workspace: Workspace, usecase: str, template: str, budget: FleetBudget, reason: Trigger, as_of: datetime
) -> DueRefit:
    """What decides when a refit of a member is run. reason: why it is due."""
    trained, batch = workspace.ledger.all(usecase, ChallengerEntry), accepted_batch(workspace.ledger, usecase)
    newest = trained[-1].payload if trained else None
    rules = workspace.use_case(usecase).declaration.release
    worth = kept_worth(workspace.backtests(usecase))
    return DueRefit(
        usecase=usecase,
        template=template,
        budget=budget.compute.total_seconds(),
        age_days=(as_of - instant(newest.as_of)).total_seconds() / _DAY if newest else None,
        rows=batch.rows.accepted if batch else 0,
        seconds=newest.seconds if newest else None,
        refresh_after_days=rules.refresh_after.total_seconds() / _DAY,
        asked=reason.kind not in ("schedule", "new_batch"),
        growth=worth.growth if worth else None,
    )


def is_postponed(ledger: Ledger, usecase: str) -> bool:
    """Whether the refit of the newest cycle had to wait, and nothing was trained since."""
    cycles, trained = ledger.all(usecase, Cycle), ledger.all(usecase, ChallengerEntry)
    if not cycles:
        return False
    cycle = cycles[-1].payload
    return still_waits(cycle.postponed, cycle.as_of, trained[-1].payload.as_of if trained else None)
