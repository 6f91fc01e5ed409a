"""An alarm about a former champion: no place where people look shows it as one about the model that is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.cli.json_views import status_view
from perennial.cli.reading import _episode_rows
from perennial.clock import instant
from perennial.fleet.standing import standings
from perennial.ledger.ledger import Ledger
from perennial.page.first_screen import answers
from perennial.page.history import history_of
from perennial.page.metrics_text import measured
from perennial.page.watching import watching_view
from perennial.release.promote import release_decided
from perennial.release.stages import go_on
from perennial.usecase.declaration import Declaration
from tests.ledger.payloads import batch, episode, one_of_each
from tests.release.payloads import challenger, decision
from tests.world import DECLARATION

NOW = instant("2024-03-01T00:00:00Z")
OPENED = "2024-02-01T00:00:00Z"
SHOP = Declaration.model_validate(DECLARATION | {"name": "shop"})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Version 1 is live with an open alarm of each kind, and version 2 is in a shadow."""
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for number in (1, 2):
        entry = challenger(f"c{number}", number)
        taken = decision(f"d{number}", entry, number - 1)
        rules = taken.policy.model_copy(update={"parameters": {"stages": [{"shadow": "7d"}, "full"]}})
        taken = taken.model_copy(update={"policy": rules, "as_of": OPENED})
        for row in (entry, taken):
            made.append("shop", row)
        release_decided(made, taken)
    made.append("shop", batch("2024-01"))
    made.append("shop", one_of_each()["cycle"])
    for channel in ("level", "gap", "contract"):
        detail = f"{channel} is off on 29 days."
        made.append("shop", episode(channel, OPENED, batch="b-2024-01", detail=detail))
    return made


def _status(ledger: Ledger) -> list[tuple[str, str]]:
    return _episode_rows(status_view(ledger, SHOP, NOW)["open_episodes"])


def test_while_the_champion_is_live_each_alarm_is_a_row_with_the_date_when_it_opened(ledger: Ledger) -> None:
    assert [name for name, _ in _status(ledger)] == ["open alarms", "", ""], "a candidate in a stage changes nothing"
    assert _status(ledger)[0][1].startswith("level (")
    assert _status(ledger)[0][1].endswith(") since 2024-02-01: level is off on 29 days.")
    (stands,) = standings(ledger, ["shop"])
    assert len(measured(ledger, "shop", NOW).open_episodes) == 3
    assert len(stands.alarms) == 3 and ".;" not in stands.why and "level since 2024-02-01: level is off" in stands.why
    fine, _, _ = answers(history_of(ledger, SHOP))
    assert fine.answer == "Check it: 3 alarms are open" and "since 2024-02-01" in fine.lines[0]


def test_after_a_stage_made_another_model_live_its_alarms_are_about_the_former_champion(ledger: Ledger) -> None:
    go_on(ledger, "shop", 2, NOW, "Ada", "no traffic")
    rows = _status(ledger)
    assert [name for name, _ in rows] == ["open alarms", "former champion", "former champion"]
    assert rows[0][1].startswith("contract"), "what arrives is as wrong as before"
    assert ", release 1 since 2024-02-01: " in rows[1][1] and rows[1][1].endswith("The next cycle closes this.")
    (stands,) = standings(ledger, ["shop"])
    assert [each.channel for each in stands.alarms] == ["contract"]
    history = history_of(ledger, SHOP)
    fine, _, _ = answers(history)
    assert fine.answer == "Check it: 1 alarm is open"
    assert any("level since 2024-02-01 is about the former champion (release 1)" in line for line in fine.lines)
    level = next(each for each in watching_view(history).episodes if each.channel == "level")
    assert "about the former champion (release 1), open since 2024-02-01; the next cycle closes it." in level.since
    assert [each.episode.channel for each in measured(ledger, "shop", NOW).open_episodes] == ["contract"]
    assert not any("You can" in line for line in level.explained), "nothing has to be done about it"
