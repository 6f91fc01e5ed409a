"""What `up` does about messages that a target did not accept."""

from __future__ import annotations

from pathlib import Path

from perennial.ledger.entries import AlertQueued
from perennial.processes.alerter import look
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.alerting.target import Target
from tests.world import World


def test_a_queued_message_is_sent_by_the_next_look_and_only_once(home: Path, tmp_path: Path) -> None:
    usecases, target = tmp_path / "usecases", Target()
    World(usecases).declare(alerts={"team": {"to": "TEAM_CHAT"}})
    target.up()
    environ = {"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(usecases), "TEAM_CHAT": "json://127.0.0.1:1/"}
    where = settings(environ)
    message = AlertQueued(
        subject="level@1",
        stage="opened",
        target="TEAM_CHAT",
        form="message",
        severity="page",
        channel="level",
        since="2024-01-01T00:00:00Z",
        title="[page] shop: level episode opened",
        text="It got worse.",
    )
    ledger = open_workspace(where).ledger
    ledger.append("shop", message)
    (line,) = look(where, "shop", environ)
    assert line.startswith("[page] shop: level episode opened: TEAM_CHAT did not accept it: A Connection error")
    assert look(where, "shop", environ) == [], "it is left alone for a minute"
    other = message.model_copy(update={"subject": "unseen@1", "target": "ON_CALL"})
    ledger.append("shop", other)
    World(usecases).declare(alerts={"team": {"to": "TEAM_CHAT"}, "on_call": {"to": "ON_CALL"}})
    environ["ON_CALL"] = target.apprise
    assert look(where, "shop", environ) == ["[page] shop: level episode opened: delivered to ON_CALL"]
    assert look(where, "shop", environ) == []
    assert len(target.got) == 1
    target.down()
