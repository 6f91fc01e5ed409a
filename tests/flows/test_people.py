"""What people do with forms: approve, roll back, waive, ask for a training; each once, with the reason on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from perennial.ledger.entries import Approval, BatchEntry, Decision, Release, Waiver
from tests.flows.conftest import Lived, ask, living_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class People:
    """The home after their runs, the names of these runs, and what was refused."""

    home: Lived
    names: list[str] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)


@pytest.fixture(scope="module")
def people(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> People:
    """A decision that waits for a person and is approved; a rollback; a batch with too many bad rows, waived."""
    from flows.approve import approve
    from flows.backfill import backfill
    from flows.cycle import cycle
    from flows.retrain import retrain
    from flows.rollback import rollback
    from flows.waive import waive

    with living_in(folder := tmp_path_factory.mktemp("people")) as shop:
        seen = People(Lived(folder))
        shop.declare()
        for month in ("2023-01", "2023-02"):
            shop.month(month)
        for month in ("2023-03", "2023-04"):
            shop.month(month, flipped=True)
        backfill("shop", last="2023-02")
        shop.declare(release={"policy": "hold"})
        backfill("shop")
        seen.names.append(_name(approve("shop", "Ada", "looks right", return_state=True)))
        seen.names.append(_name(approve("shop", "Bob", "me too", _held(seen)[0].id[:6], return_state=True)))
        for _ in range(2):
            seen.names.append(_name(rollback("shop", "complaints", by="Ada", return_state=True)))
        seen.names.append(_name(retrain("shop", "the prices changed", return_state=True)))
        bad = shop.month("2023-05")
        bad.loc[bad.index[::3], "price"] = 900.0
        bad.to_csv(shop.usecases / "shop" / "2023-05.csv", index=False)
        cycle("shop")
        waived = waive("shop", "2023-05", "Ada", "furs", ["price"], return_state=True)
        assert waived.is_completed(), waived.message
        seen.names.append(_name(waived))
        seen.refused = [
            approve("shop", "Ada", "again", return_state=True),
            rollback("shop", " ", return_state=True),
            retrain("shop", "", return_state=True),
        ]
    return seen


def _name(state: Any) -> str:
    return str(ask(f"/flow_runs/{state.state_details.flow_run_id}", method="GET")["name"])


def _held(seen: People) -> list[Decision]:
    return [each for each in seen.home.all(Decision) if each.outcome == "held"]


def test_an_approval_releases_and_the_first_one_counts(people: People) -> None:
    assert [(each.by, each.reason) for each in people.home.all(Approval)] == [("Ada", "looks right")]
    assert [each.kind for each in people.home.all(Release)] == ["first", "release", "rollback"]


def test_a_rollback_is_done_once_however_often_it_is_asked_for(people: People) -> None:
    (back,) = [each for each in people.home.all(Release) if each.kind == "rollback"]
    assert (back.by, back.reason, back.restores) == ("Ada", "complaints", 1)


def test_a_waiver_accepts_the_batch_and_names_who_and_why(people: People) -> None:
    (waiver,) = people.home.all(Waiver)
    assert (waiver.window, waiver.by, waiver.reason) == ("2023-05", "Ada", "furs")
    assert [each.status for each in people.home.all(BatchEntry) if each.window == "2023-05"] == ["held", "accepted"]


def test_the_runs_of_people_read_as_a_diary(people: People) -> None:
    assert people.names == [
        "shop: Ada approved version 3",
        "shop: Ada approved version 3",
        "shop: rolled back to version 1",
        "shop: rolled back to version 1",
        "shop: trained version 4 on request",
        "shop: Ada waived checks of 2023-05",
    ]


def test_what_has_no_reason_or_nothing_to_do_is_refused(people: People) -> None:
    assert all(state.is_failed() for state in people.refused)
    nothing, *empty = [state.message for state in people.refused]
    assert "no decision waits for a person" in nothing
    assert all("reason" in message for message in empty)
    assert [each.reason for each in people.home.all(Release) if each.kind == "rollback"] == ["complaints"]
