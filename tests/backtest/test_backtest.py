"""`perennial backtest` on a shop's own history, whose months were lived by the real flows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from perennial.backtest import fits
from perennial.ledger.entries import ChallengerEntry, Decision, Release
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial, command, perennial  # noqa: F401
from tests.cli.test_page import text_of
from tests.flows.conftest import ask as ask_server
from tests.places import lead_to
from tests.world import World

pytestmark = pytest.mark.timeout(600)

MONTHS = tuple(f"2024-0{month}" for month in range(1, 6))
FLIPPED = MONTHS[2:]


@dataclass(frozen=True)
class Shop:
    """A shop that lived through five months; its concept is reversed from March on."""

    folder: Path

    def lead(self, patch: pytest.MonkeyPatch) -> None:
        """Let the environment lead here."""
        lead_to(patch, self.folder)


def live_through(folder: Path, **declared: Any) -> Shop:
    """The shop's months, taken in by the real flows."""
    shop = Shop(folder)
    with pytest.MonkeyPatch.context() as patch:
        shop.lead(patch)
        world = World(shop.folder / "usecases", rows_a_day=15)
        world.declare(**{"triggers": {"on_new_batch": True, "on_drift": False}, **declared})
        for month in MONTHS:
            world.month(month, flipped=month in FLIPPED)
        assert command("backfill", "shop") == 0
    return shop


@pytest.fixture(scope="module")
def lived(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return live_through(tmp_path_factory.mktemp("lived"))


@pytest.fixture
def shop(lived: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    lived.lead(monkeypatch)
    return lived


def ask(perennial: Perennial, *more: str) -> dict[str, Any]:  # noqa: F811
    told = perennial("backtest", "shop", "--json", *more)
    assert told.code == 0, told.err
    answer: dict[str, Any] = json.loads(told.out)
    return answer


def test_the_declared_life_is_the_one_that_was_lived(shop: Shop, perennial: Perennial) -> None:  # noqa: F811
    made = ask(perennial)
    ledger = open_workspace(settings()).ledger
    decisions = [row.payload for row in ledger.all("shop", Decision)]
    releases = [row.payload for row in ledger.all("shop", Release)]
    assert len(releases) > 1, "the reversed concept led to a release"
    assert made["really"]["unlike"] is None and made["really"]["alike"] == len(decisions) == 4
    declared = made["lives"][0]
    assert (declared["decisions"], declared["releases"]) == (len(decisions), len(releases))
    assert declared["loss"]["value"] == pytest.approx(made["really"]["loss"], rel=1e-12), (
        "what was stored when it scored"
    )
    assert made["best"] < declared["loss"]["value"] and declared["regret"]["value"] > 0


def test_each_model_is_fitted_once_and_nothing_is_registered(
    shop: Shop,
    perennial: Perennial,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = open_workspace(settings()).ledger
    before = ledger.newest("shop"), len(ledger.all("shop", ChallengerEntry))
    first = ask(perennial)

    def never(*_: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(fits, "fit", never)
    again = ask(perennial)
    assert again["fits"] == 0 and again["kept"] == first["fits"] + first["kept"]
    assert again["lives"] == first["lives"]
    assert (ledger.newest("shop"), len(ledger.all("shop", ChallengerEntry))) == before


def test_a_run_that_was_stopped_goes_on_to_the_same_table(
    shop: Shop,
    perennial: Perennial,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = open_workspace(settings()).backtests("shop")
    for path in folder.glob("*.npz"):
        path.unlink()  # of other tests, which asked for more models
    whole = ask(perennial)
    kept = sorted(folder.glob("*.npz"))
    for path in kept[::2]:
        path.unlink()
    resumed = ask(perennial)
    assert resumed["fits"] == len(kept[::2]) and resumed["lives"] == whole["lives"]
    assert sorted(folder.glob("*.npz")) == kept


def test_windows_serve_and_evaluate_are_compared_in_every_combination(shop: Shop, perennial: Perennial) -> None:  # noqa: F811
    made = ask(perennial, "--windows", "expanding,last 45d", "--serve", "single,mixture", "--evaluate", "newest")
    assert [life["name"] for life in made["lives"]] == [
        "balanced",
        "balanced, at once",
        "balanced, mixture, at once",
        "balanced, last 45d, at once",
        "balanced, last 45d, mixture, at once",
    ]
    assert made["lives"][1]["loss"] != made["lives"][3]["loss"] and made["really"]["unlike"] is None
    for option, wrong in (
        ("--windows", "race"),
        ("--windows", "last 45x"),
        ("--serve", "all"),
        ("--evaluate", "nobody"),
    ):
        told = perennial("backtest", "shop", option, wrong)
        assert told.code == 2 and told.err.startswith(f"{option}: ") and f"'{wrong}'" in told.err, told.err


def test_asked_policies_and_schedules_beside_the_declared_life(shop: Shop, perennial: Perennial) -> None:  # noqa: F811
    made = ask(perennial, "--policies", "blend,never", "--schedule", "each_batch,quarterly")
    assert [life["name"] for life in made["lives"]] == [
        "balanced",
        "blend",
        "blend, quarterly",
        "never",
    ]
    never = made["lives"][3]
    assert never["releases"] == 1 and never["against_declared"]["gain"]["value"] < 0
    told = perennial("backtest", "shop", "--policies", "blnd")
    assert told.code == 2 and told.err.startswith("--policies: unknown policy 'blnd'")
    told = perennial("backtest", "shop", "--schedule", "on_monday")
    assert told.code == 2 and told.err.startswith("--schedule: unknown schedule 'on_monday'")


def test_the_flow_leaves_the_table_as_an_artifact(shop: Shop) -> None:
    from flows.backtest import backtest
    from perennial.processes.prefect_server import quiet_flows

    with quiet_flows():
        assert backtest("shop") == "shop: 12 lives on 5 batches, compared on 2024-03 to 2024-05."
    (artifact,) = ask_server("/artifacts/latest/filter", {"artifacts": {"key": {"any_": ["shop-backtest"]}}})
    assert artifact["data"].count("\n| balanced") == 6 and "decides as the ledger did" in artifact["data"]


def test_people_get_a_table_and_a_page_with_what_they_rest_on(
    shop: Shop,
    perennial: Perennial,  # noqa: F811
    tmp_path: Path,
) -> None:
    told = perennial("backtest", "shop", "--out", str(tmp_path / "page.html"))
    assert told.code == 0, told.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page and page.count("<svg") == 2
    seen = text_of(page)
    assert (
        "The declared life decides as the ledger did, at 4 decisions." in seen and "balanced, mixture, at once" in seen
    )
    (tmp_path / "file").write_text("")
    refused = perennial("backtest", "shop", "--out", str(tmp_path / "file" / "page.html"))
    assert refused.code == 2 and refused.err.startswith("--out:") and "cannot be written" in refused.err
    assert told.out.startswith("shop: 12 lives on 5 batches, compared on 2024-03 to 2024-05.")
    assert "The declared life decides as the ledger did, at 4 decisions." in told.out
    assert "p: by Holm's test, since 11 lives were compared with it." in told.out
    assert "fits after" not in told.out, "progress is not part of the output"


@pytest.mark.slow
def test_a_life_of_mixtures_that_are_evaluated_at_once_is_lived_alike(
    prefect_server: str,
    tmp_path: Path,
    perennial: Perennial,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live_through(tmp_path, release={"serve": "mixture", "judge": {"newest": "15d"}}).lead(monkeypatch)
    made = ask(perennial, "--policies", "balanced")
    decisions = [row.payload for row in open_workspace(settings()).ledger.all("shop", Decision)]
    assert made["really"]["unlike"] is None and made["lives"][0]["name"] == "balanced, mixture, at once"
    assert made["really"]["alike"] == len(decisions) == len(MONTHS)
    assert made["lives"][0]["loss"]["value"] == pytest.approx(made["really"]["loss"], rel=1e-12)


@pytest.mark.long
def test_a_life_that_trains_on_alarms_is_lived_alike(
    prefect_server: str,
    tmp_path: Path,
    perennial: Perennial,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    triggers = {"on_new_batch": False, "on_drift": True}
    live_through(tmp_path, triggers=triggers, watch={"channels": ["gap", "level"]}).lead(monkeypatch)
    ledger = open_workspace(settings()).ledger
    made = ask(perennial, "--schedule", "on_drift,each_batch")
    assert [life["name"] for life in made["lives"]] == ["balanced, on drift", "balanced, each batch"]
    asked = [row.payload.trigger.kind for row in ledger.all("shop", ChallengerEntry)]
    assert "drift" in asked, "the reversed concept raised an alarm"
    decisions = [row.payload for row in ledger.all("shop", Decision)]
    assert made["really"]["unlike"] is None and made["really"]["alike"] == len(decisions)
    assert made["lives"][0]["loss"]["value"] == pytest.approx(made["really"]["loss"], rel=1e-12)
    assert made["lives"][0]["fits"] < made["lives"][1]["fits"]
