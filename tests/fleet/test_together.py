"""Members that are decided together and trained within a budget, whatever interrupts their run."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from perennial.backtest.kept_worth import Growth, KeptWorth, keep_worth
from perennial.deciding.loading import load_contest
from perennial.deciding.replay import replay_deep, replay_sums
from perennial.deciding.scored_models import Contest
from perennial.fleet.plan import FleetPlan
from perennial.fleet.standing import Standing, standings
from perennial.ledger.entries import ChallengerEntry, Cycle, Decision, Family, RunFailed
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import standing_failure
from perennial.processes.prefect_server import quiet_flows
from perennial.settings import settings
from perennial.store.registry import Registry
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.declaration import Declaration
from tests.crashes.processes import Place
from tests.fleet.stores import month_of_store, write_template
from tests.places import lead_to

pytestmark = pytest.mark.slow

STORES = ["a", "b", "c"]
MEMBERS = [f"sales_{store}" for store in STORES]
DAY_COSTS = (1e-3, 1.0, 1e3)
FLEET = {"releases": {"fdr": 0.05}, "budget": {"compute": "1m"}}


@dataclass(frozen=True)
class Ran:
    """Three stores with a live model each.

    begun: the family of a run for a third month of two of them, which ended after its first decision. ended: the
    families after it was run again. trained: so many models of each store after a run for a fourth month in which all
    refits had to wait; waiting: how they stood then. compared: whose models were scored in the run of the fourth month.
    again: the same for the first decision of the third month, whose use case had another row since its test.
    """

    home: Workspace
    begun: Family
    ended: Sequence[Family]
    trained: Sequence[int]
    waiting: Sequence[Standing]
    compared: Sequence[str]
    again: Sequence[str]


@pytest.fixture(scope="module")
def ran(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder, usecases=".")
        with quiet_flows():
            from flows.cycle import Arrived, arrive, cycle
            from flows.decide import decide_waiting
            from flows.fleet import fix_families, fleet, take_round
            from tasks.fleet import Alone
            from tasks.step import as_fleet

            nothing, scored = FleetPlan((), tuple(MEMBERS)), []

            def counted(registry: Registry, declaration: Declaration, *rest: Any) -> Contest:
                scored.append(declaration.name)
                return load_contest(registry, declaration, *rest)

            patch.setattr("tasks.deciding.load_contest", counted)
            declare(folder, STORES, "2024-01", "2024-02")
            fleet("sales")
            declare(folder, STORES[:2], "2024-03")
            with as_fleet():
                here = {name: arrive(name, "2024-03", None) for name in MEMBERS[:2]}
                due = {name: each for name, each in here.items() if isinstance(each, Arrived)}
                tested = fix_families(Alone(nothing), "2024-03", due)["sales_a"]
                assert tested is not None
                (begun,) = families(open_workspace(settings()).ledger)
                scored.clear()
                decide_waiting("sales_a", due["sales_a"].now, due["sales_a"].asked, replace(tested, end=None))
                again = list(scored)
            fleet("sales")
            home = open_workspace(settings())
            ended = families(home.ledger)
            declare(folder, STORES[2:], "2024-03")
            cycle("sales_c")
            declare(folder, STORES, "2024-04")
            for name, a_day in zip(MEMBERS, DAY_COSTS, strict=True):
                growth = Growth(unit="rmse", a_row=True, a_day=a_day, low=a_day * 0.99, high=a_day * 1.01)
                keep_worth(home.backtests(name), KeptWorth(on="", answer=(), schedules=(), growth=growth))
            with as_fleet():
                full = Alone(nothing)
                full.planned["sales"] = 60.0
                scored.clear()
                take_round(full, "2024-04", MEMBERS, None)
            compared = list(scored)
            trained = [len(home.ledger.all(name, ChallengerEntry)) for name in MEMBERS]
            waiting = standings(home.ledger, MEMBERS)
            fleet("sales")
            yield Ran(home, begun, ended, trained, waiting, compared, again)


def declare(folder: Path, stores: Sequence[str], *months: str) -> None:
    write_template(folder, STORES, fleet=FLEET)
    for store in stores:
        for month in months:
            month_of_store(folder, store, month)


def decision_about(ledger: Ledger, usecase: str, batch: str) -> Row[Decision]:
    return next(row for row in ledger.all(usecase, Decision) if row.payload.batch == batch)


def families(ledger: Ledger) -> list[Family]:
    return [row.payload for row in ledger.all("sales", Family)]


def test_the_rest_of_an_interrupted_run_is_decided_at_the_levels_that_it_began_with(ran: Ran) -> None:
    assert ran.ended == [ran.begun] and len(ran.begun.tests) == 2
    for usecase in MEMBERS[:2]:
        made = decision_about(ran.home.ledger, usecase, "2024-03").payload
        assert made.family is not None and made.family == ran.begun.level_of(usecase, made.id)
        assert made.policy.level == made.policy.alpha == made.family.level
        assert made.reasons[1].startswith("One of 2 decisions about sales that were taken together: a gain is proven")
    first = decision_about(ran.home.ledger, "sales_a", "2024-02").payload
    assert first.outcome == "first" and first.family is None  # it has no champion to be compared with


def test_the_comparison_of_a_test_is_that_of_the_decision_unless_anything_was_recorded_since(ran: Ran) -> None:
    assert ran.compared == MEMBERS
    assert ran.again == ["sales_a"]


def test_a_member_that_runs_alone_is_a_family_of_one(ran: Ran) -> None:
    made = decision_about(ran.home.ledger, "sales_c", "2024-03").payload
    assert made.family is not None and (made.family.size, made.family.level) == (1, 0.05)
    assert made.reasons[1].startswith("No other decision about sales was taken together with this one")


def test_a_decision_replays_by_itself_and_its_level_from_its_family(ran: Ran) -> None:
    ledger, row = ran.home.ledger, decision_about(ran.home.ledger, "sales_a", "2024-03")
    assert replay_sums(ledger, row).difference is None
    assert replay_deep(ledger, ran.home.tables, ran.home.registry, row).difference is None
    family = row.payload.family
    assert family is not None
    other = row.payload.model_copy(update={"family": family.model_copy(update={"family": "gone"})})
    assert replay_sums(ledger, replace(row, payload=other)).difference is None  # nothing to compare it with
    milder = family.model_copy(update={"level": family.level / 2})
    found = replay_sums(ledger, replace(row, payload=row.payload.model_copy(update={"family": milder}))).difference
    assert found is not None


def test_a_refit_without_room_in_the_budget_waits_for_a_later_run(ran: Ran) -> None:
    ledger = ran.home.ledger
    assert {each.why[:16] for each in ran.waiting} == {"waits for budget"}
    for usecase, before in zip(MEMBERS, ran.trained, strict=True):
        newest = ledger.all(usecase, Cycle)[-1].payload
        assert newest.postponed is not None and newest.postponed.budget_seconds == 60
        assert newest.not_trained.startswith("it waits for the fleet's budget as number ")
        assert newest.decision is not None  # only the refit waits
        assert len(ledger.all(usecase, ChallengerEntry)) == before + 1
    assert {each.why for each in standings(ledger, MEMBERS)} == {""}


def test_refits_are_ordered_by_what_age_costs_as_far_as_it_was_measured(ran: Ran) -> None:
    waited = [ran.home.ledger.all(usecase, Cycle)[-1].payload.postponed for usecase in MEMBERS]
    assert [each.rank for each in waited if each is not None] == [3, 2, 1]
    assert [each.day_costs for each in waited if each is not None] == pytest.approx(DAY_COSTS, rel=0.01)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_between_two_decisions_ends_as_one_family(tmp_path: Path) -> None:
    place = Place(tmp_path / "home", tmp_path)
    declare(tmp_path, STORES, "2024-01", "2024-02")
    place.finish("fleet", "run", "sales")
    declare(tmp_path, STORES, "2024-03")
    assert place.run("fleet", "run", "sales", crash_at="family_row.after") == -signal.SIGKILL
    (family,) = families(place.workspace.ledger)
    assert place.run("fleet", "run", "sales", crash_at="decision_row.after") == -signal.SIGKILL
    ledger = place.workspace.ledger
    assert [len(ledger.all(name, Decision)) for name in MEMBERS] == [2, 1, 1]
    place.finish("status", "sales_b")
    assert "is not finished: `perennial fleet run sales`" in " ".join(place.said().split())
    place.finish("fleet", "run", "sales")
    assert families(ledger) == [family]
    made = [ledger.all(name, Decision)[-1].payload for name in MEMBERS]
    assert [each.family for each in made] == [family.level_of(each.usecase, each.id) for each in made]
    (tmp_path / "data" / "a" / "2024-04.csv").write_bytes(b"\x00\xff not a table")
    for end in ("before", "after"):
        assert place.run("fleet", "run", "sales", crash_at=f"run_failed_row.{end}") == -signal.SIGKILL
    assert len(ledger.all("sales_a", RunFailed)) == 1
    declare(tmp_path, STORES[:1], "2024-04")
    assert place.run("fleet", "run", "sales", crash_at="run_succeeded_row.before") == -signal.SIGKILL
    assert standing_failure(ledger, "sales_a") is not None
    place.finish("fleet", "run", "sales")
    assert standing_failure(ledger, "sales_a") is None
