"""One run for all members of a template: alone where one fails, the same end where it is run again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from perennial.errors import InputError, TerminalError
from perennial.fleet.members import Chosen, chosen
from perennial.fleet.plan import FleetRun
from perennial.fleet.standing import Standing, standings
from perennial.ledger.entries import BatchEntry, Cycle, Decision, RunFailed
from perennial.ledger.ledger import Ledger
from perennial.processes.prefect_server import quiet_flows
from perennial.settings import settings
from tests.fleet.stores import month_of_store, write_template
from tests.places import lead_to

pytestmark = pytest.mark.slow

STORES = ["a", "broken", "checks", "code", "column", "gone"]
FAILED = ["sales_broken", "sales_code", "sales_gone"]
HELD = ["sales_checks", "sales_column"]
MEMBERS = [f"sales_{store}" for store in STORES]
TOO_FEW = {"expect_table_row_count_to_be_between": {"min_value": 100}, "severity": "critical"}
MONTHS = ["2024-01", "2024-02"]


@dataclass(frozen=True)
class Ran:
    """A template of six stores, five of which are broken in five ways, run once. cycles: how many each had after it.

    standings: how they stood then. failures: how many each had on record after a second run.
    """

    folder: Path
    failed: str
    cycles: dict[str, int]
    standings: list[Standing]
    failures: dict[str, int]


@pytest.fixture(scope="module")
def ran(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("fleet")
    for store in STORES[:-1]:
        for month in MONTHS:
            month_of_store(folder, store, month)
    (folder / "data" / "broken" / "2024-02.csv").write_bytes(b"\x00\xff not a table")
    column = folder / "data" / "column" / "2024-02.csv"
    column.write_text(column.read_text().replace("price", "cost", 1))
    (folder / "sales.py").write_text("import sys\n\ndef feature(rows):\n    sys.exit(7)\n")
    of_code = {"features": {"derived": ["sales.py:feature"]}}
    write_template(folder, STORES, members={"code": of_code, "checks": {"checks": [TOO_FEW]}})
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder, usecases=".")
        with quiet_flows():
            from flows.fleet import fleet

            with pytest.raises(TerminalError) as caught:
                fleet("sales")
            cycles = {name: cycles_of(name) for name in MEMBERS}
            ledger = Ledger(settings().database_url)
            stood = standings(ledger, MEMBERS)
            with pytest.raises(TerminalError):
                fleet("sales")
            failures = {name: len(ledger.all(name, RunFailed)) for name in MEMBERS}
            yield Ran(folder, str(caught.value), cycles, stood, failures)


def cycles_of(usecase: str) -> int:
    return len(Ledger(settings().database_url).all(usecase, Cycle))


def test_members_that_fail_stop_alone_and_are_named(ran: Ran) -> None:
    assert ran.failed.startswith("3 use cases failed; the others were run:")
    assert [name for name in ran.cycles if name in ran.failed] == FAILED
    assert ran.cycles == {**dict.fromkeys(MEMBERS, 0), "sales_a": 2, "sales_broken": 1, "sales_column": 1}
    ledger = Ledger(settings().database_url)
    assert {row.payload.usecase for row in ledger.all("sales_a", Decision)} == {"sales_a"}
    for name in ledger.usecases():
        ledger.verify(name)


def test_a_file_that_cannot_be_read_is_named_once(ran: Ran) -> None:
    (line,) = [line for line in ran.failed.splitlines() if "sales_broken" in line]
    assert line.startswith("  sales_broken, batch 2024-02: line 1 ")
    assert "in data/broken/2024-02.csv; none of it was ingested; later batches wait for it" in ran.failed


def test_a_failure_is_shown_and_recorded_once(ran: Ran) -> None:
    shown = {each.usecase: (each.state, each.why) for each in ran.standings}
    assert [name for name in MEMBERS if shown[name][0] == "failed"] == FAILED
    assert [name for name in MEMBERS if shown[name][0] == "held"] == HELD
    assert "columns are missing: price" in shown["sales_column"][1]
    assert "batch 2024-02: " in shown["sales_checks"][1]
    assert shown["sales_broken"][1].startswith("batch 2024-02, take in: ")
    assert shown["sales_code"][1].startswith("batch 2024-01, take in: ")
    assert shown["sales_gone"][1].startswith("look for batches: ")
    assert ran.failures == {name: int(name in FAILED) for name in MEMBERS}


def test_run_again_it_goes_on_where_each_stopped(ran: Ran) -> None:
    from flows.fleet import fleet

    month_of_store(ran.folder, "broken", "2024-02")
    month_of_store(ran.folder, "gone", "2024-01")
    write_template(ran.folder, [store for store in STORES if store != "code"])
    done = fleet("sales")
    assert {name: done.cycles[name] for name in ("sales_broken", "sales_gone")} == {
        "sales_broken": (("2024-02", "accepted"),),
        "sales_gone": (("2024-01", "accepted"),),
    }
    assert done.trained == {"sales_broken": 1, "sales_gone": 1}, done.trained
    assert done.released == {"sales_broken": 1}, done.released
    states = {each.usecase: each.state for each in standings(Ledger(settings().database_url), MEMBERS)}
    assert [name for name, state in states.items() if state == "failed"] == ["sales_code"]  # no longer declared
    assert fleet("sales").cycles == {}
    assert [row.payload.window for row in Ledger(settings().database_url).all("sales_a", BatchEntry)] == MONTHS


def test_each_of_two_runs_at_once_counts_what_it_did_and_names_what_the_other_did(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import flows.fleet

    for store in ("a", "b"):
        month_of_store(tmp_path, store, "2024-01")
    few = month_of_store(tmp_path, "few", "2024-01")
    few.write_text("".join(few.read_text().splitlines(keepends=True)[:4]))
    write_template(tmp_path, ["a", "b", "few"], members={"few": {"checks": [TOO_FEW]}})
    lead_to(monkeypatch, tmp_path, usecases=".")
    real, others = flows.fleet.take_round, list[FleetRun]()

    def after_another(*given: Any) -> None:
        if not others:
            monkeypatch.setattr(flows.fleet, "take_round", real)
            others.append(flows.fleet.fleet("sales", ()))
        real(*given)

    monkeypatch.setattr(flows.fleet, "take_round", after_another)
    with caplog.at_level("INFO", logger="perennial.story"):
        done = flows.fleet.fleet("sales", ())
    (other,) = others
    assert other.cycles == dict.fromkeys(("sales_a", "sales_b"), (("2024-01", "accepted"),)) | {
        "sales_few": (("2024-01", "held"),)
    }
    assert set(other.trained) == {"sales_a", "sales_b"} and other.by_others == {}
    assert (done.cycles, done.trained, done.released, done.held) == ({}, {}, {}, ("sales_few",))
    assert done.by_others == dict.fromkeys(other.cycles, ("2024-01",))
    assert "3 cycles were run by another run meanwhile: sales_a, sales_b, sales_few" in caplog.text
    assert "2024-01: 3 by another run" in caplog.text


def test_a_tag_chooses_the_members_that_run(tmp_path: Path) -> None:
    write_template(tmp_path, ["a", "b"], members={"b": {"tags": {"region": "north"}, "governance": {"owner": "Ada"}}})
    assert chosen(tmp_path, Chosen("sales", ("region=north",))) == ["sales_b"]
    assert chosen(tmp_path, Chosen(owner="Ada")) == ["sales_b"]
    with pytest.raises(InputError, match="no use case has region=south and owner Ada"):
        chosen(tmp_path, Chosen(tags=("region=south",), owner="Ada"))
    with pytest.raises(InputError, match="did you mean 'sales'"):
        chosen(tmp_path, Chosen("salse"))
    with pytest.raises(InputError, match="write region=north"):
        chosen(tmp_path, Chosen(tags=("north",)))
