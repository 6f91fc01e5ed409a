"""Run what is due for many use cases."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.cycle import go_through
from flows.names import run_name
from perennial.fleet.plan import FleetRun
from perennial.ledger.entries import Trigger
from tasks.alerts import notify_together
from tasks.fleet import Alone, finish_fleet, plan_fleet
from tasks.page import renew_pages
from tasks.step import as_fleet
from tasks.turn import turn


def _name() -> str:
    given = flow_run.parameters
    return run_name("fleet", "-".join([given["template"] or "all", *given["tags"]]))


@flow(name="fleet", flow_run_name=_name, timeout_seconds=24 * 3600)
def fleet(template: str | None = None, tags: tuple[str, ...] = (), trigger: Trigger | None = None) -> FleetRun:
    """Run the cycles that are due for many use cases in one process, one batch after the other.

    A use case that fails stops alone; the run then ends as failed and names it. Running it again goes on.

    Args:
        template: Name of the template whose members run. Empty: every use case.
        tags: Only use cases with all of these tags, each as name=value.
        trigger: What started the run; a scheduled deployment passes schedule.
    """
    plan = plan_fleet(template, tags)
    alone = Alone(plan)
    with as_fleet():
        for window, usecases in plan.rounds:
            for usecase in alone.still(usecases):
                with alone(usecase, window), turn(usecase):
                    alone.ended(usecase, window, go_through(usecase, window, trigger))
            alone.report(window)
        for usecase in plan.idle:
            with alone(usecase), turn(usecase):
                go_through(usecase, None, trigger)
        renew_pages(alone.usecases)
        notify_together(alone.usecases, alone.failed)
    return finish_fleet(alone)
