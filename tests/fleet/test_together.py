"""Members that are decided together: one family for each run and batch, whatever interrupts it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perennial.deciding.replay import replay_deep, replay_sums
from perennial.fleet.plan import FleetPlan
from perennial.ledger.entries import Decision, Family
from perennial.ledger.ledger import Ledger, Row
from perennial.processes.prefect_server import quiet_flows
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.crashes.processes import Place
from tests.fleet.stores import month_of_store, write_template

pytestmark = pytest.mark.slow

STORES = ["a", "b", "c"]
JOINT = {"releases": {"fdr": 0.05}}


@pytest.fixture(scope="module")
def interrupted(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Three stores with a live model; the run of two for a third month ended after the decision about the first."""
    folder = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PERENNIAL_DATABASE_URL", "PERENNIAL_TABLES_URI", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("PERENNIAL_HOME", str(folder / "home"))
        patch.setenv("PERENNIAL_USECASES", str(folder))
        with quiet_flows():
            from flows.cycle import arrive, conclude
            from flows.fleet import fix_families, fleet
            from tasks.fleet import Alone
            from tasks.step import as_fleet

            declare(folder, ("2024-01", "2024-02"))
            fleet("sales")
            for store in ("a", "b"):
                month_of_store(folder, store, "2024-03")
            with as_fleet():
                arrived = {name: arrive(name, "2024-03", None) for name in ("sales_a", "sales_b")}
                fix_families(Alone(FleetPlan((("2024-03", tuple(arrived)),), ())), "2024-03", arrived)
                conclude("sales_a", "2024-03", None, arrived["sales_a"])
            yield open_workspace(settings())


def declare(folder: Path, months: tuple[str, ...]) -> None:
    write_template(folder, STORES, fleet=JOINT)
    for store in STORES:
        for month in months:
            month_of_store(folder, store, month)


def decisions(ledger: Ledger, store: str) -> list[Row[Decision]]:
    return ledger.all(f"sales_{store}", Decision)


def families(ledger: Ledger) -> list[Family]:
    return [row.payload for row in ledger.all("sales", Family)]


def test_the_rest_of_an_interrupted_run_is_decided_at_the_levels_that_it_began_with(interrupted: Workspace) -> None:
    from flows.fleet import fleet

    ledger = interrupted.ledger
    assert [decisions(ledger, store)[0].payload.outcome for store in STORES] == ["first"] * 3
    assert [len(decisions(ledger, store)) for store in STORES] == [2, 1, 1]
    before = families(ledger)
    fleet("sales")
    (family,) = families(ledger)
    assert before == [family] and len(family.tests) == 2  # none for the first models: they have no champion
    for store in ("a", "b"):
        made = decisions(ledger, store)[-1].payload
        assert made.family is not None and made.family == family.level_of(made.usecase, made.id)
        assert made.policy.level == made.policy.alpha == made.family.level
        assert made.reasons[1].startswith("One of 2 decisions about sales that were taken together: a gain is proven")


def test_a_member_that_runs_alone_is_a_family_of_one(interrupted: Workspace) -> None:
    from flows.cycle import cycle

    month_of_store(interrupted.settings.usecases, "c", "2024-03")
    cycle("sales_c")
    alone = decisions(interrupted.ledger, "c")[-1].payload
    assert alone.family is not None and (alone.family.size, alone.family.level) == (1, 0.05)
    assert alone.reasons[1].startswith("No other decision about sales was taken together with this one")


def test_a_decision_replays_by_itself_and_its_level_from_its_family(interrupted: Workspace) -> None:
    ledger, tables, registry = interrupted.ledger, interrupted.tables, interrupted.registry
    row = decisions(ledger, "a")[-1]
    assert replay_sums(ledger, row).difference is None
    assert replay_deep(ledger, tables, registry, row).difference is None
    family, policy = row.payload.family, row.payload.policy
    assert family is not None
    milder = row.payload.model_copy(
        update={
            "family": family.model_copy(update={"level": 0.04}),
            "policy": policy.model_copy(update={"alpha": 0.04, "level": 0.04}),
        }
    )
    found = replay_sums(ledger, replace(row, payload=milder)).difference
    assert found is not None and found.then != found.now


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_between_two_decisions_ends_as_one_family(tmp_path: Path) -> None:
    place = Place(tmp_path / "home", tmp_path)
    declare(tmp_path, ("2024-01", "2024-02"))
    place.finish("fleet", "run", "sales")
    declare(tmp_path, ("2024-03",))
    assert place.run("fleet", "run", "sales", crash_at="family_row.after") == -signal.SIGKILL
    (family,) = families(place.workspace.ledger)
    assert place.run("fleet", "run", "sales", crash_at="decision_row.after") == -signal.SIGKILL
    ledger = place.workspace.ledger
    assert [len(decisions(ledger, store)) for store in STORES] == [2, 1, 1]
    place.finish("fleet", "run", "sales")
    assert families(ledger) == [family]
    made = [decisions(ledger, store)[-1].payload for store in STORES]
    assert [each.family for each in made] == [family.level_of(each.usecase, each.id) for each in made]
