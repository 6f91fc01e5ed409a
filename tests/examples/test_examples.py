"""The examples are declarations alone, over the data beside the project, and go through as their data asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from perennial.clock import instant
from perennial.deciding.decision import Waits
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, Health, Trigger
from perennial.usecase.reading import load_use_case
from tests.cli.conftest import command

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "usecases" / "examples"
SHARED = ROOT.parent / "shared" / "data"
NAMES = ("bikes", "census", "stops")

needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the data beside the demo is not here")


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Great Expectations takes seconds to import: once, before a test's time is measured."""
    from data_checks.quiet import great_expectations

    great_expectations()


def declare(name: str, home: Path, iterations: int = 10) -> None:
    """The example with fewer iterations, so that it is quick."""
    folder = home.parent / "usecases"
    folder.mkdir()
    said = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    said["source"]["path"] = str((EXAMPLES / said["source"]["path"]).resolve())
    said["model"]["params"]["max_iter"] = iterations
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(said))
    for functions in EXAMPLES.glob(f"{name}.py"):
        (folder / functions.name).write_text(functions.read_text())


def take_in(name: str, window: str) -> BatchEntry:
    from tasks.batches import accept, land, validate

    batch = accept.fn(name, validate.fn(name, window, land.fn(name, window)))
    assert batch.status == "accepted", batch.held_because
    return batch


def train(name: str, batch: BatchEntry) -> ChallengerEntry:
    from tasks.training import train_challenger

    found = train_challenger.fn(name, instant(batch.arrived_at), Trigger(kind="person"))
    assert isinstance(found, ChallengerEntry), found
    return found


def decide(name: str, batch: BatchEntry) -> Decision:
    from tasks.deciding import compare, release

    found = compare.fn(name, batch.window, instant(batch.arrived_at), Trigger(kind="person"))
    assert not isinstance(found, Waits), found.why
    release.fn(name, found.id)
    return found


def watch(name: str, batch: BatchEntry) -> Health:
    from tasks.health import watch_champion

    return watch_champion.fn(name, batch)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_right_and_short(name: str) -> None:
    found = load_use_case(name, EXAMPLES)
    assert len(found.path.read_text(encoding="utf-8").splitlines()) <= 40


@needs_data
@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_bikes_are_counted_month_by_month(home: Path) -> None:
    declare("bikes", home)
    train("bikes", take_in("bikes", "2010-10"))
    november = take_in("bikes", "2010-11")
    assert (november.rows.accepted, november.rows.quarantined) == (720, 0)
    decision = decide("bikes", november)
    assert (decision.outcome, decision.metrics[0].name) == ("first", "mae")


@needs_data
@pytest.mark.long
@pytest.mark.usefixtures("home")
def test_a_model_of_bikes_is_worth_retraining(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare("bikes", home)
    for month in range(20):
        take_in("bikes", f"{2011 + month // 12}-{month % 12 + 1:02}")
    capsys.readouterr()
    assert command("worth", "bikes", "--json") == 0
    measured = json.loads(capsys.readouterr().out)["measured"]
    first, *_, never = measured["schedules"]
    assert measured["best"]["every"] == first["every"] == 1, "demand grows, so each month of age costs"
    assert never["above_best"]["low"] > 0 and measured["ages"][1]["cost"]["value"] > 0


@needs_data
@pytest.mark.long
@pytest.mark.usefixtures("home")
def test_a_column_that_is_empty_until_july_begins_without_a_false_alarm(home: Path) -> None:
    declare("stops", home, iterations=30)
    for month in ("2017-02", "2017-03", "2017-04"):
        batch = take_in("stops", month)
        assert batch.rows.unlabelled > 0
    train("stops", batch)
    decision = decide("stops", take_in("stops", "2017-05"))
    assert decision.outcome == "first"
    july = take_in("stops", "2017-07")
    assert july.rows.quarantined == 0
    health = watch("stops", july)
    assert health.action == "none", "citationIssued has its first values"
    train("stops", july)


@needs_data
@pytest.mark.long
@pytest.mark.usefixtures("home")
def test_a_census_of_years_is_not_decidable_in_time_and_releases_nothing(home: Path) -> None:
    from tasks.deciding import release

    declare("census", home)
    batch = take_in("census", "2015")
    for year in ("2016", "2017", "2018"):
        train("census", batch)
        batch = take_in("census", year)
        decision = decide("census", batch)
        assert decision.outcome == "undecided"
        assert "1 cluster of year; 5 are needed" in decision.reasons[0]
        assert "not decidable in time" in decision.reasons[0]
        assert "evaluation.cluster_by" in decision.reasons[0]
        assert release.fn("census", decision.id) is None


@pytest.mark.usefixtures("home")
def test_missing_data_are_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perennial.errors import InputError
    from tasks.batches import pick_window

    declare("bikes", home)
    file = home.parent / "usecases" / "bikes.yaml"
    file.write_text(file.read_text().replace("bikeshare_hourly", "elsewhere"))
    with pytest.raises(InputError, match=r"source.path: there is no .*elsewhere.parquet\n"):
        pick_window.fn("bikes", None)
