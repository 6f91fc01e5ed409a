"""A command that is typed wrong is answered with what it takes, in a few lines and with exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from perennial.cli.app import GROUPS, app
from perennial.cli.hints import EXAMPLES
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


def test_every_option_that_a_command_needs_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    def needed(group: Any) -> set[str]:
        inner = [needed(each) if hasattr(each, "commands") else options(each) for each in group.commands.values()]
        return set().union(*inner)

    def options(of: Any) -> set[str]:
        return {each.opts[0] for each in of.params if each.required and each.param_type_name == "option"}

    assert needed(typer.main.get_command(app)) == set(EXAMPLES)
    assert command("rollback", "shop") == 2
    shown = capsys.readouterr().err
    assert f"write for example {EXAMPLES['--reason']};" in shown
    assert "perennial rollback --help shows what it takes" in shown
    assert command("waive", "shop") == 2
    assert f"{EXAMPLES['--batch']} {EXAMPLES['--reason']}" in capsys.readouterr().err


def test_a_reason_without_words_is_refused_with_an_example(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("rollback", "shop", "--reason", " ") == 2
    assert "--reason: is empty" in (shown := capsys.readouterr().err) and EXAMPLES["--reason"] in shown
