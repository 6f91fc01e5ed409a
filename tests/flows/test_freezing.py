"""An episode that rises freezes releases, others hear of both, and a person ends the freeze with a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from perennial.ledger.entries import EpisodeRose, ReleasesFrozen, ReleasesResumed
from tests.flows.conftest import Lived, ask, living_in, until

ODD = "2023-04"
EVENTS = [
    "perennial.drift.opened",
    "perennial.drift.rose",
    "perennial.releases.frozen",
    "perennial.releases.resumed",
]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Frozen:
    """home: of the kiosk. runs: names of the runs of `resume`. refused: a form without a reason. reports: artifacts."""

    home: Lived
    runs: list[str]
    refused: Any
    reports: list[str]


@pytest.fixture(scope="module")
def frozen(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    """March fails a check that warns, which informs; April has no price and is held, which is a page."""
    from flows.backfill import backfill
    from flows.cycle import cycle
    from flows.resume import resume

    with living_in(folder := tmp_path_factory.mktemp("frozen")) as shop:
        shop.declare()
        for month in ("2023-01", "2023-02"):
            shop.month(month)
        backfill("shop")
        cheap = {"expect_column_mean_to_be_between": {"column": "price", "max_value": 1}, "severity": "warning"}
        watch = {"channels": ["contract"], "respond": {"page": ["freeze"]}}
        shop.declare(checks=[*shop.declaration["checks"], cheap], watch=watch)
        shop.month("2023-03")
        cycle("shop")
        shop.month(ODD).drop(columns="price").to_csv(shop.usecases / "shop" / f"{ODD}.csv", index=False)
        reports = []
        for _ in range(2):
            cycle("shop")
        reports.append(_report())
        states = [resume("shop", "Ada", "the price is back", return_state=True) for _ in range(2)]
        reports.append(_report())
        refused = resume("shop", "Ada", " ", return_state=True)
    names = [ask(f"/flow_runs/{each.state_details.flow_run_id}", method="GET")["name"] for each in states]
    return Frozen(Lived(folder), names, refused, reports)


def _report() -> str:
    return str(ask("/artifacts/shop-releases/latest", method="GET")["data"])


def events_of(episode: str) -> list[dict[str, Any]]:
    """The oldest first, among the newest of all that the server knows."""
    filters = {"resource": {"id": ["perennial.usecase.shop"]}, "event": {"name": EVENTS}, "order": "DESC"}
    newest = ask("/events/filter", {"filter": filters, "limit": 50})["events"]
    return [each for each in reversed(newest) if each["payload"]["episode"] == episode]


def test_an_episode_that_rises_and_its_freeze_are_announced_once(frozen: Frozen) -> None:
    (rose,), (freeze,) = frozen.home.all(EpisodeRose), frozen.home.all(ReleasesFrozen)
    until(lambda: len(events_of(rose.episode)) >= len(EVENTS))
    mine = events_of(rose.episode)
    assert [each["event"] for each in mine] == EVENTS
    payload = mine[1]["payload"]
    assert (payload["channel"], payload["severity"], payload["at"]) == ("contract", "page", rose.risen_at)
    assert "price" in payload["detail"]
    assert mine[2]["payload"]["batch"] == freeze.batch


def test_a_person_ends_the_freeze_once_with_name_and_reason(frozen: Frozen) -> None:
    (ended,) = frozen.home.all(ReleasesResumed)
    assert (ended.by, ended.reason) == ("Ada", "the price is back")
    assert frozen.runs == ["shop: Ada resumed releases", "shop: releases were not frozen"]
    assert frozen.refused.is_failed() and "reason" in frozen.refused.message


def test_the_report_of_a_freeze_shows_how_to_end_it(frozen: Frozen) -> None:
    during, after = frozen.reports
    (freeze,) = frozen.home.all(ReleasesFrozen)
    assert freeze.episode in during and "perennial resume shop --by NAME --reason TEXT" in during
    assert after == "Releases are not frozen."
