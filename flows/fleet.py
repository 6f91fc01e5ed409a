"""Run what is due for many use cases."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import flow
from prefect.runtime import flow_run

from flows.cycle import Arrived, arrive, conclude, go_through
from flows.names import run_name
from perennial.fleet.plan import FleetRun
from perennial.ledger.entries import BatchEntry, Trigger
from tasks.alerts import notify_together
from tasks.deciding import fix_family, waiting_test
from tasks.fleet import Alone, decided_together, finish_fleet, plan_fleet
from tasks.page import renew_pages
from tasks.step import as_fleet
from tasks.turn import turn


def _name() -> str:
    given = flow_run.parameters
    return run_name("fleet", "-".join([given["template"] or "all", *given["tags"]]))


@flow(name="fleet", flow_run_name=_name, timeout_seconds=24 * 3600)
def fleet(template: str | None = None, tags: tuple[str, ...] = (), trigger: Trigger | None = None) -> FleetRun:
    """Run the cycles that are due for many use cases in one process, one batch after the other.

    The decisions about a batch are taken once all use cases have taken it in, those of a template together if it
    controls its releases. A use case that fails stops alone; the run then ends as failed and names it. Running it again
    goes on.

    Args:
        template: Name of the template whose members run. Empty: every use case.
        tags: Only use cases with all of these tags, each as name=value.
        trigger: What started the run; a scheduled deployment passes schedule.
    """
    plan = plan_fleet(template, tags)
    alone = Alone(plan)
    with as_fleet():
        for window, usecases in plan.rounds:
            arrived: dict[str, Arrived | BatchEntry | None] = {}
            for usecase in alone.still(usecases):
                with alone(usecase, window), turn(usecase):
                    arrived[usecase] = arrive(usecase, window, trigger)
            fix_families(alone, window, arrived)
            for usecase in alone.still(tuple(arrived)):
                with alone(usecase, window), turn(usecase):
                    alone.ended(usecase, window, conclude(usecase, window, trigger, arrived[usecase]))
            alone.report(window)
        for usecase in plan.idle:
            with alone(usecase), turn(usecase):
                go_through(usecase, None, trigger)
        renew_pages(alone.usecases)
        notify_together(alone.usecases, alone.failed)
    return finish_fleet(alone)


def fix_families(alone: Alone, window: str, arrived: Mapping[str, Arrived | BatchEntry | None]) -> None:
    """Test what waits for a decision on a batch, and fix which decisions are taken together before the first one."""
    due = {usecase: here for usecase, here in arrived.items() if isinstance(here, Arrived)}
    for (template, fdr), members in decided_together(alone.still(tuple(due))).items():
        tests = []
        for usecase in members:
            with alone(usecase, window), turn(usecase):
                now = due[usecase].now
                tests.append(waiting_test(usecase, now.window, now.as_of, due[usecase].asked))
        fix_family(template, fdr, [test for test in tests if test is not None])
