"""Run what is due for many use cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prefect import flow
from prefect.runtime import flow_run

from flows.cycle import Arrived, arrive, end, go_through
from flows.decide import decide_waiting
from flows.names import run_name
from flows.train import train_because
from perennial.fleet.plan import FleetRun
from perennial.ledger.entries import Trigger
from tasks.alerts import notify_together
from tasks.as_of import present
from tasks.deciding import Compared, fix_family, waiting_test
from tasks.fleet import (
    HAD_TO_WAIT,
    Alone,
    decided_together,
    due_refit,
    finish_fleet,
    plan_fleet,
    postponed_refit,
    record_outcomes,
)
from tasks.page import renew_pages
from tasks.step import as_fleet


def _name() -> str:
    given = flow_run.parameters
    return run_name("fleet", "-".join([given["template"] or "all", *given["tags"]]))


@flow(name="fleet", flow_run_name=_name, timeout_seconds=24 * 3600)
def fleet(template: str | None = None, tags: tuple[str, ...] = (), trigger: Trigger | None = None) -> FleetRun:
    """Run the cycles that are due for many use cases in one process, one batch after the other.

    The decisions about a batch are taken once all use cases have taken it in, those of a template together if it
    controls its releases. Then they are trained, within the budget of their template. A use case that fails stops
    alone; the run then ends as failed and names it. Running it again goes on.

    Args:
        template: Name of the template whose members run. Empty: every use case.
        tags: Only use cases with all of these tags, each as name=value.
        trigger: What started the run; a scheduled deployment passes schedule.
    """
    plan = plan_fleet(template, tags)
    alone = Alone(plan)
    with as_fleet():
        for window, usecases in plan.rounds:
            take_round(alone, window, usecases, trigger)
        alone.of_each(plan.idle, "", "look for batches", lambda usecase: go_through(usecase, None, trigger))
        catch_up(alone, plan.idle)
        record_outcomes(alone.usecases, alone.failed)
        renew_pages(alone.usecases)
        notify_together(alone.usecases, alone.failed)
    return finish_fleet(alone)


def take_round(alone: Alone, window: str, usecases: Sequence[str], trigger: Trigger | None) -> None:
    """One batch of all that have it: first each takes it in, then all decide on it, then all are trained."""
    arrived = alone.of_each(usecases, window, "take in", lambda usecase: arrive(usecase, window, trigger))
    due = {usecase: here for usecase, here in arrived.items() if isinstance(here, Arrived)}
    alone.ended(window, {usecase: here for usecase, here in arrived.items() if not isinstance(here, Arrived)})
    tested = fix_families(alone, window, due)
    decisions = alone.of_each(
        due,
        window,
        "decide",
        lambda name: decide_waiting(name, due[name].now, due[name].asked, tested.get(name)),
    )
    wanted = alone.of_each(
        decisions, window, "order refits", lambda name: due_refit(name, due[name].now.as_of, trigger)
    )
    refits = alone.within_budgets(wanted)
    ended = alone.of_each(
        refits.order,
        window,
        "train",
        lambda name: end(name, window, trigger, due[name], decisions[name], refits.postponed.get(name)),
    )
    alone.ended(window, ended)
    alone.report(window)


def fix_families(alone: Alone, window: str, due: Mapping[str, Arrived]) -> dict[str, Compared | None]:
    """Test what waits for a decision on a batch, and fix which decisions are taken together before the first one.

    Returns the comparisons that were made for it, by use case.
    """

    def tested(usecase: str) -> Compared | None:
        now = due[usecase].now
        return waiting_test(usecase, now.window, now.as_of, due[usecase].asked)

    made: dict[str, Compared | None] = {}
    for (template, fdr), members in decided_together(alone.still(due)).items():
        compared = alone.of_each(members, window, "test", tested)
        tests = [each.test for each in compared.values() if each is not None]
        fix_family(template, fdr, [test for test in tests if test is not None])
        made |= compared
    return made


def catch_up(alone: Alone, usecases: Sequence[str]) -> None:
    """Train those without a new batch whose refit had to wait for an earlier run's budget, if there is time now."""
    waited = alone.of_each(usecases, "", "order refits", postponed_refit)
    refits = alone.within_budgets({usecase: refit for usecase, refit in waited.items() if refit is not None})
    due = [usecase for usecase in refits.order if usecase not in refits.postponed]
    alone.of_each(due, "", "train", lambda usecase: train_because(usecase, present(usecase, None, None), HAD_TO_WAIT))
