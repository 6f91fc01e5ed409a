"""`perennial alerts` and its declaration, as a person who sets up messages meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perennial.usecase.declaration import Declaration
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from tests.alerting.target import Target
from tests.cli.conftest import command
from tests.world import World

SECRET = "slack://xoxb-token-of-the-team/second/third"


@pytest.fixture
def shop(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A declared use case that has run nothing yet."""
    monkeypatch.setenv("PERENNIAL_USECASES", str(tmp_path / "usecases"))
    return World(tmp_path / "usecases").declare()


def mistakes(shop: World, alerts: Any) -> list[tuple[str, str]]:
    shop.declare(alerts=alerts)
    with pytest.raises(DeclarationError) as wrong:
        load_use_case("shop", shop.usecases)
    assert "xoxb" not in str(wrong.value) + repr([each.value for each in wrong.value.mistakes])
    return [(each.field, each.code) for each in wrong.value.mistakes]


def test_an_address_in_the_declaration_is_refused_and_not_repeated(shop: World) -> None:
    assert mistakes(shop, {"team": {"to": SECRET}}) == [("alerts.team.to", "alert-address")]


def test_unknown_channels_severities_and_names_are_refused(shop: World) -> None:
    assert mistakes(shop, {"team": {"to": "CHAT", "channels": ["levle", "decisions"]}}) == [
        ("alerts.team.channels[0]", "channel-unknown")
    ]
    assert mistakes(shop, {"team": {"to": "CHAT", "severity": "panic"}}) == [
        ("alerts.team.severity", "declaration-unknown-value")
    ]
    assert mistakes(shop, {"On Call": {"to": "CHAT"}}) == [("alerts.On Call", "alert-route-name")]


def test_a_declaration_without_routes_keeps_its_digest(shop: World) -> None:
    declaration = load_use_case("shop", shop.usecases).declaration
    assert "alerts" not in declaration.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert declaration.model_copy(update={"alerts": {}}).digest != declaration.digest
    assert Declaration.model_fields["alerts"].default is None


def test_the_default_route_leads_to_the_address_of_the_environment(
    shop: World, target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target.up()
    monkeypatch.setenv("PERENNIAL_ALERTS", target.apprise)
    assert command("alerts", "test", "shop") == 0
    assert "shop: default (PERENNIAL_ALERTS) accepted the test message." in capsys.readouterr().out
    assert target.titles == ["[test] shop: this is a test"]


def test_why_a_target_failed_is_shown_and_no_secret_is(
    shop: World, target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.declare(alerts={"team": {"to": "TEAM_CHAT"}, "owner": {"to": "OWNER_MAIL"}, "typo": {"to": "TYPO"}})
    monkeypatch.setenv("TEAM_CHAT", target.apprise)
    monkeypatch.setenv("TYPO", "slak://xoxb-token-of-the-team/second")
    assert command("alerts", "test", "shop") == 1
    said = "".join(capsys.readouterr())
    assert "shop: team (TEAM_CHAT) did not accept the test message: A Connection error occurred" in said
    assert "shop: owner (OWNER_MAIL) did not accept the test message: the environment variable OWNER_MAIL" in said
    assert "shop: typo (TYPO) did not accept the test message: the variable holds no address that Apprise" in said
    assert "s3cretpass" not in said
    assert "xoxb" not in said


def test_one_route_can_be_tested_and_a_misspelled_one_has_a_hint(
    shop: World, target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target.up()
    shop.declare(alerts={"team": {"to": "TEAM_CHAT"}, "owner": {"to": "OWNER_MAIL"}})
    monkeypatch.setenv("TEAM_CHAT", target.apprise)
    assert command("alerts", "test", "shop", "--route", "team") == 0
    assert command("alerts", "test", "shop", "--route", "teem") == 2
    assert "did you mean 'team'?" in capsys.readouterr().err


def test_routes_are_listed_with_what_is_set_here(
    shop: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.declare(alerts={"team": {"to": "TEAM_CHAT"}, "on_call": {"to": "ON_CALL", "severity": "page"}})
    monkeypatch.setenv("TEAM_CHAT", SECRET)
    assert command("alerts", "--json") == 0
    (view,) = json.loads(capsys.readouterr().out)
    assert [(each["route"], each["set_here"], each["severity"]) for each in view["routes"]] == [
        ("team", True, "warning"),
        ("on_call", False, "page"),
    ]
    assert view["undelivered"] == []
    assert command("alerts") == 0
    assert "xoxb" not in capsys.readouterr().out


def test_a_missing_route_is_reported(shop: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("alerts") == 0
    assert "No alerts are sent" in capsys.readouterr().out


def test_an_empty_list_of_routes_turns_messages_off(
    shop: World, target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.declare(alerts={})
    monkeypatch.setenv("PERENNIAL_ALERTS", target.apprise)
    assert command("alerts", "test") == 0
    assert "No alerts are sent" in capsys.readouterr().out
