"""Why a retraining starts, or does not."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ledger.entries import Trigger
from perennial.watching.reason_to_train import reason_to_train

QUIET: dict[str, Any] = {
    "asked": None,
    "schedule_declared": False,
    "on_new_batch": True,
    "on_drift": True,
    "has_champion_or_waiting": True,
    "challenger_waits": False,
    "new_batch_accepted": False,
    "drift_wants": None,
    "erased": None,
}
PERSON = Trigger(kind="person", detail="asked by Ada")
EVENT = Trigger(kind="event", event="perennial.drift.confirmed")
SCHEDULE = Trigger(kind="schedule")
NOTHING_YET = {"has_champion_or_waiting": False}
DRIFT = {"drift_wants": "level@2013-03-01"}
WAITS = {"challenger_waits": True}
NEW = {"new_batch_accepted": True}
ON_SCHEDULE = {"asked": SCHEDULE, "schedule_declared": True}


@pytest.mark.parametrize(
    ("situation", "kind"),
    [
        ({}, None),
        ({"asked": PERSON}, "person"),
        ({"asked": EVENT}, "event"),
        (NOTHING_YET, "first"),
        (DRIFT, "drift"),
        (ON_SCHEDULE, "schedule"),
        (NEW, "new_batch"),
        # each comes before all that follow
        ({"asked": PERSON} | NOTHING_YET | DRIFT | NEW, "person"),
        (ON_SCHEDULE | NOTHING_YET | DRIFT | NEW, "first"),
        (ON_SCHEDULE | DRIFT | NEW, "drift"),
        (ON_SCHEDULE | NEW, "schedule"),
        # one that waits to be evaluated is left to wait, unless something happened
        (WAITS | NEW, None),
        (WAITS | ON_SCHEDULE, None),
        (WAITS | DRIFT | NEW, "drift"),
        (WAITS | {"asked": PERSON}, "person"),
        # what is switched off, or not declared, is no reason
        (DRIFT | {"on_drift": False}, None),
        (DRIFT | NEW | {"on_drift": False}, "new_batch"),
        (NEW | {"on_new_batch": False}, None),
        ({"asked": SCHEDULE}, None),
        ({"asked": SCHEDULE} | NEW, "new_batch"),
        ({"asked": Trigger(kind="new_batch")}, None),
    ],
)
def test_the_first_reason_that_holds(situation: dict[str, Any], kind: str | None) -> None:
    found = reason_to_train(**(QUIET | situation))
    assert (found and found.kind) == kind


def test_what_was_asked_is_handed_on_as_it_was() -> None:
    assert reason_to_train(**(QUIET | {"asked": PERSON})) is PERSON


def test_an_erasure_replaces_a_waiting_challenger_that_learned_the_rows() -> None:
    reason = reason_to_train(**(QUIET | DRIFT | {"erased": 2, "challenger_waits": True}))
    assert reason is not None and reason.event == "erasure-2"


def test_drift_names_its_episode() -> None:
    found = reason_to_train(**(QUIET | DRIFT))
    assert found is not None
    assert found.event == "level@2013-03-01"
