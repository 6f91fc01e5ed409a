"""A month with a carrier that no model has seen: releases are frozen, the former model is back, people know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from perennial.ledger.entries import Decision, Release
from perennial.ledger.present import current_release
from tests.alerting.target import Target
from tests.crashes.processes import Place
from tests.world import World

HELD_BACK = 3
RESPOND = {"watch": {"channels": ["unseen"], "respond": {"warning": ["freeze", "roll_back"]}}}
ROUTES = {"team": {"to": "TEAM_CHAT"}, "deploy": {"to": "DEPLOY_HOOK", "form": "event"}}


@dataclass
class Shop:
    """The shop after its sixth month, and who got messages: a chat and a webhook."""

    place: Place
    chat: Target
    hook: Target
    code: int


@pytest.fixture
def june(shop: Place) -> Iterator[Shop]:
    """The sixth month has been run, with responses and routes declared."""
    chat, hook = Target(), Target()
    for each in (chat, hook):
        each.up()
    place = replace(shop, more={"TEAM_CHAT": chat.apprise, "DEPLOY_HOOK": hook.web})
    before = (place.usecases / "shop.yaml").read_text()
    world = World(place.usecases, rows_a_day=20).declare(alerts=ROUTES, **RESPOND)
    world.month("2013-06", flipped=True, new_carrier=0.5)
    yield Shop(place, chat, hook, place.run("run", "shop"))
    (place.usecases / "shop.yaml").write_text(before)
    (place.usecases / "shop" / "2013-06.csv").unlink()
    for each in (chat, hook):
        each.down()


def test_an_episode_freezes_rolls_back_and_is_reported_once_until_a_person_resumes(june: Shop) -> None:
    place, ledger = june.place, june.place.workspace.ledger
    live = current_release(ledger, "shop")
    assert live is not None
    (episode,) = [message["subject"] for message in june.hook.got]
    assert (live.kind, live.cause) == ("rollback", episode)
    assert place.workspace.registry.champion("shop") == live.champion.model.version, "the alias follows"

    (message,) = [each["message"] for each in june.chat.got]
    assert "Releases are frozen until a person resumes them." in message
    assert f"Rolled back: version {live.champion.model.version} is live again as release {live.release_no}." in message
    assert "perennial resume shop --by NAME --reason TEXT" in message
    (event,) = june.hook.got
    assert (event["specversion"], event["type"]) == ("1.0", "perennial.episode.opened")
    assert (event["source"], event["data"]["channel"]) == ("/perennial/shop", "unseen")
    assert june.hook.types == ["application/cloudevents+json"]

    decision = ledger.all("shop", Decision)[-1].payload
    assert decision.outcome == "release", "a freeze changes no decision"
    assert june.code == HELD_BACK
    assert place.run("doctor", "shop") == 0, "nothing to repair"
    assert place.run("approve", decision.id, "--by", "Ada", "--reason", "seen") == HELD_BACK
    for _ in range(2):
        place.finish("watch", "shop")  # closes the episode, since its model is no longer live
    place.finish("replay", "shop", "--deep")
    assert current_release(ledger, "shop") == live
    assert [each["data"]["stage"] for each in june.hook.got] == ["opened", "closed"]
    assert "Releases are still frozen." in june.chat.got[-1]["message"]
    assert len(june.chat.got) == 2

    for _ in range(2):
        place.finish("resume", "shop", "--by", "Ada", "--reason", "the new carrier is fine")
    made = current_release(ledger, "shop")
    assert made is not None
    assert (made.release_no, made.decision) == (live.release_no + 1, decision.id)
    assert made.reason.startswith("Releases were resumed by Ada: the new carrier is fine. ")
    assert place.workspace.registry.champion("shop") == made.champion.model.version
    assert len(ledger.all("shop", Release)) == made.release_no


def test_status_decision_and_page_show_that_releases_are_frozen(june: Shop) -> None:
    place = june.place
    decision = place.workspace.ledger.all("shop", Decision)[-1].payload
    log = place.home.with_name("home.log")
    shown = {}
    for command in (("status", "shop"), ("status", "shop", "--json"), ("decision", decision.id)):
        before = len(log.read_text())
        place.finish(*command)
        shown[command] = log.read_text()[before:]
    (text, view, explained) = (" ".join(each.split()) if each[0] != "{" else each for each in shown.values())
    assert "frozen since 2013-07-01T00:00:00Z because of episode unseen@" in text
    assert "perennial resume shop --by NAME --reason TEXT" in text
    assert json.loads(view)["held_by_freeze"] == decision.id
    assert "Not released: releases are frozen since 2013-07-01" in explained
    page = (place.home / "pages" / "shop.html").read_text()
    assert "Releases are frozen since 2013-07-01 because of episode unseen@" in page
