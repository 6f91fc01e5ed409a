"""An outage of a receiver loses no event: what it missed is sent later, in order, with the same ids."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.errors import InputError
from perennial.lineage.open_lineage.events import events_of
from perennial.lineage.sending import InHome, send_events
from perennial.lineage.sent import Sent
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.cli.conftest import command
from tests.crashes.processes import Place
from tests.lineage.receiver import receiving
from tests.places import lead_to
from tests.world import copied

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def copy(lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shop, for this test alone, without receivers."""
    copied(lived, tmp_path)
    lead_to(monkeypatch, tmp_path)
    for name in ("PERENNIAL_OPENLINEAGE", "PERENNIAL_OPENLINEAGE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def expected(workspace: Workspace) -> list[tuple[str, str]]:
    """Run and state of every event of the ledger, in its order."""
    made = [event for row in workspace.ledger.after("shop", 0) for event in events_of(row, InHome(workspace, "shop"))]
    return [(each["run"]["runId"], each["eventType"]) for each in made]


def sent(*addresses: str) -> list[Sent]:
    """Send once to these addresses."""
    return send_events(_workspace(*addresses), "shop", NOW)


def _workspace(*addresses: str) -> Workspace:
    import os

    return open_workspace(settings({**os.environ, "PERENNIAL_OPENLINEAGE": ",".join(addresses)}))


def test_a_receiver_that_refuses_every_second_request_gets_all_in_order(copy: Path) -> None:
    with receiving(refuses=1) as server:
        rows, tries = open_workspace(settings()).ledger.verify("shop"), 0
        while (state := sent(server.address)[0]).position < rows:
            assert state.failed == "it returned status 503"
            assert (tries := tries + 1) < 200
        assert tries > 10 and state.failed == ""
        assert server.ids == expected(open_workspace(settings()))
        assert server.paths == {"/api/v1/lineage"}
        again = len(server.took)
        assert sent(server.address)[0].position == rows and len(server.took) == again, "nothing twice"


def test_a_process_killed_in_between_goes_on_with_the_same_ids(copy: Path) -> None:
    with receiving() as server:
        place = Place(copy / "home", copy / "usecases", {"PERENNIAL_OPENLINEAGE": server.address})
        for side in ("before", "after"):
            assert place.run("openlineage", "send", crash_at=f"openlineage_event.{side}") == -signal.SIGKILL
        place.finish("openlineage", "send")
        assert server.ids == expected(open_workspace(settings()))
        first, again, second = server.took[:3]
        assert first == again != second, "what was sent before the kill is sent once more, as it was"


def test_a_file_ends_with_whole_lines_after_a_power_failure(copy: Path) -> None:
    file = copy / "lineage.jsonl"
    file.write_text('{"eventType": "STA')
    with receiving() as server:
        states = sent(f"file:{file}", server.address, f"file:{copy}/away/lineage.jsonl")
        events = [json.loads(line) for line in file.read_text().splitlines()]
        assert events == server.took, "every receiver gets the same"
    assert [bool(state.failed) for state in states] == [False, False, True]
    assert "away/lineage.jsonl cannot be written" in states[2].failed


def test_another_chain_is_sent_from_its_beginning(copy: Path) -> None:
    file = f"file:{copy / 'lineage.jsonl'}"
    sent(file)
    kept = copy / "home" / "openlineage" / "shop.json"
    whole = kept.read_text()
    kept.write_text(whole.replace(json.loads(whole).popitem()[1]["hash"], "0" * 64))
    sent(file)
    lines = (copy / "lineage.jsonl").read_text().splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


def test_the_command_shows_and_sends(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("openlineage") == 2
    assert "PERENNIAL_OPENLINEAGE: it is not set" in capsys.readouterr().err
    with receiving(refuses=1) as server:
        monkeypatch.setenv("PERENNIAL_OPENLINEAGE", f"{server.address}/hook")
        monkeypatch.setenv("PERENNIAL_OPENLINEAGE_TOKEN", "s3cret-token")
        rows = open_workspace(settings()).ledger.verify("shop")
        assert command("openlineage") == 0
        assert capsys.readouterr().out == f"shop: {server.address} has none of {rows}\n"
        assert command("openlineage", "send") == 1
        assert "the last attempt failed: it returned status 503" in capsys.readouterr().out
        server.refuses = 0
        assert command("openlineage", "send", "--json") == 0
        (state,) = json.loads(capsys.readouterr().out)
        assert (state["position"], state["rows"], state["failed"]) == (rows, rows, "")
        assert (server.tokens, server.paths) == ({"Bearer s3cret-token"}, {"/hook"})
        assert command("openlineage") == 0
        assert capsys.readouterr().out == f"shop: {server.address} has the events of rows 1 to {rows}\n"


@pytest.mark.parametrize("value", ["lineage.jsonl", "file:lineage.jsonl", "ftp://a/b", "http://", "http://u:p@host"])
def test_what_is_no_receiver_is_refused(value: str) -> None:
    with pytest.raises(InputError, match=r"^PERENNIAL_OPENLINEAGE: .*\n  (Write|Set) ") as raised:
        settings({"PERENNIAL_OPENLINEAGE": value})
    assert "u:p@" not in str(raised.value)
