"""Why a cycle trains, on a ledger filled by hand: while a person is asked, no other model takes that place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennial.cli.json_views import status_view
from perennial.deciding.decision import Waits
from perennial.evaluation.results import Policy
from perennial.ledger.entries import Approval, Decision, Trigger
from perennial.ledger.ledger import Ledger
from perennial.release.promote import release_decided
from perennial.settings import settings
from perennial.usecase.reading import load_use_case
from tasks.deciding import compare
from tasks.training import why_train
from tests.release.payloads import AS_OF, challenger, decision
from tests.world import World

MARCH = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def ledger(world: World) -> Ledger:
    world.declare(release={"policy": "hold", "refresh_after": "30d"})
    settings().home.mkdir(parents=True, exist_ok=True)
    return Ledger(settings().database_url)


def held(ledger: Ledger) -> Decision:
    """A challenger whose release is left to a person since 1 March."""
    model = challenger("c", 1)
    ledger.append("shop", model)
    policy = Policy.model_validate({"name": "hold", "parameters": {}, "alpha": 0.05})
    said = decision("d1", model, 0).model_copy(update={"outcome": "held", "policy": policy})
    assert said.as_of == AS_OF
    return ledger.append("shop", said)[0].payload


def kind(days: int, asked: Trigger | None = None) -> str | None:
    """What starts a training so many days after 1 March, with a new batch."""
    found = why_train.fn("shop", asked, True, MARCH + timedelta(days=days))
    return found.kind if found else None


def test_before_anything_is_trained_a_new_batch_does(ledger: Ledger) -> None:
    assert kind(0) is not None


def test_an_open_question_waits_for_its_answer_until_a_refresh_is_due(ledger: Ledger) -> None:
    held(ledger)
    assert kind(0) is None
    assert kind(29) is None, "the question stays open"
    assert kind(30) is not None, "a person who never answers stops no training"
    assert kind(1, Trigger(kind="person", detail="new data")) == "person", "a person may still ask"


def test_an_answered_question_waits_no_longer(ledger: Ledger) -> None:
    said = held(ledger)
    ledger.append("shop", Approval(decision=said.id, by="Ada", reason="seen", as_of=AS_OF))
    release_decided(ledger, said)
    assert kind(1) is not None


def test_while_a_decision_is_held_the_cycle_and_the_status_report_what_they_wait_for(ledger: Ledger) -> None:
    held(ledger)
    asked = Trigger(kind="new_batch")
    waits = compare.fn("shop", "2024-04", MARCH + timedelta(days=10), asked)
    assert isinstance(waits, Waits)
    assert waits.why == (
        "for the approval of version 1 since 2024-03-01, decision d1; nothing new is trained until then, or 2024-03-31"
    )
    later = compare.fn("shop", "2024-05", MARCH + timedelta(days=40), asked)
    assert isinstance(later, Waits) and later.why.endswith("decision d1; a new one is trained now")
    declaration = load_use_case("shop", settings().usecases).declaration
    shown = status_view(ledger, declaration, MARCH)["challenger"]
    assert (shown["version"], shown["because"]) == (1, "for a person, since 2024-03-01")
