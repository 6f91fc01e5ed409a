"""A command that is typed wrong is answered with what it takes, in a few lines and with exit code 2."""

from __future__ import annotations

import json

import pytest

from perennial.cli.app import GROUPS
from tests.cli.conftest import command

NAMES = [each.__name__.replace("_", "-") for commands in GROUPS.values() for each in commands]
TAKES = set(NAMES) - {
    *("demo", "schema", "up", "serve", "down", "deploy", "anchor", "retain", "maintain", "status", "doctor", "verify")
}


@pytest.mark.parametrize("name", sorted(TAKES))
def test_a_missing_argument_is_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(name) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Missing argument '") and f"perennial {name} --help shows what it takes" in shown
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("rollback", "shop", "--dry-run"), "--reason"),
        (("approve", "d1d1", "--by", "Ada"), "--reason"),
        (("waive", "shop", "--by", "Ada", "--reason", "x"), "--batch"),
        (("rollback", "shop", "--reason", "x", "--from", "none"), "--from"),
        (("quarantine", "shop", "--rows", "-1"), "--rows"),
        (("run",), "USECASE"),
        (("run", "shop", "--wrong"), "--wrong"),
    ],
)
def test_json_names_the_field_of_a_misuse(
    words: tuple[str, ...], field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*words, "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["field"]) == ("usage", field)
