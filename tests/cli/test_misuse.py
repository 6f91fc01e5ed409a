"""A command that is typed wrong is answered with what it takes, in a few lines and with exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from perennial.cli.app import GROUPS, app
from perennial.cli.hints import EXAMPLES
from perennial.ledger.ledger import Ledger
from perennial.settings import settings
from tests.cli.conftest import command
from tests.ledger.payloads import one_of_each
from tests.world import DECLARATION, World

NAMES = [each.__name__.replace("_", "-") for commands in GROUPS.values() for each in commands]
TAKES = set(NAMES) - {
    *("demo", "schema", "up", "serve", "down", "deploy", "anchor", "retain", "maintain", "status", "doctor", "verify")
}


@pytest.fixture
def shop_alone(home: Path) -> World:
    """A declared shop, of which nothing was run."""
    world = World(home.parent / "usecases")
    world.declare(governance={"owner": "Ada"})
    return world


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

    assert needed(typer.main.get_command(app)) | {"--by"} == set(EXAMPLES)
    assert command("rollback", "shop") == 2
    shown = capsys.readouterr().err
    assert f"write for example {EXAMPLES['--reason']};" in shown
    assert "perennial rollback --help shows what it takes" in shown
    assert command("waive", "shop") == 2
    assert f"{EXAMPLES['--batch']} {EXAMPLES['--reason']}" in capsys.readouterr().err


def test_a_reason_without_words_is_refused_with_an_example(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("rollback", "shop", "--reason", " ") == 2
    assert "--reason: is empty" in (shown := capsys.readouterr().err) and EXAMPLES["--reason"] in shown


@pytest.mark.parametrize(
    ("typed", "example", "helps"),
    [
        (("ingest", "big", "--batch"), "--batch 2024-03", "perennial ingest --help"),
        (("rollback", "shop", "--reason", "x", "--by"), "--by Ada", "perennial rollback --help"),
        (("alerts", "test", "--route"), "", "perennial alerts test --help"),
        (("fleet", "run", "--tag"), "", "perennial fleet run --help"),
    ],
)
def test_an_option_without_its_value_is_answered_with_an_example_and_the_help_of_its_command(
    typed: tuple[str, ...], example: str, helps: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*typed) == 2
    example = f"write for example {example}; " if example else ""
    shown = capsys.readouterr().err
    assert shown == f"Option '{typed[-1]}' requires an argument.\n  {example}{helps} shows what it takes\n"


def test_what_no_use_case_has_is_named_as_the_option_that_was_typed(
    home: Path, shop_alone: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("fleet", "--owner", "Adda") == 2
    shown = capsys.readouterr().err
    assert shown.startswith("--owner: no use case has owner Adda\n  did you mean 'Ada'? Known owners: Ada; it is")
    assert "tags" not in shown
    assert command("fleet", "--tag", "region=east") == 2
    shown = capsys.readouterr().err
    assert (
        shown.startswith("--tag: no use case has region=east\n  tags are in the declaration") and "owner" not in shown
    )


def test_a_use_case_is_not_run_as_a_template(home: Path, shop_alone: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("fleet", "run", "shop") == 2
    assert "`perennial run shop` runs it" in capsys.readouterr().err
    assert command("fleet", "run", "shopp") == 2
    assert "`perennial fleet` lists all use cases" in capsys.readouterr().err


def test_a_rollback_of_the_first_release_names_what_can_be_done(
    home: Path, shop_alone: World, capsys: pytest.CaptureFixture[str]
) -> None:
    first = one_of_each()["release"].model_copy(update={"release_no": 1})
    for ledger in (None, Ledger(settings().database_url)):
        if ledger is not None:
            ledger.append("shop", first)
        assert command("rollback", "shop", "--reason", "x") == 2
        assert "`perennial train shop` trains another model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("types", "example"),
    [("number", "such as {zip: text"), ({"zip": "decimal"}, "such as `zip: number`"), ({"zip": 3}, "such as `zip: ")],
)
def test_a_wrong_type_is_answered_with_a_right_one(
    home: Path, shop_alone: World, types: object, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop_alone.declare(schema={**DECLARATION["schema"], "types": types})
    assert command("check", "shop") == 2
    assert example in capsys.readouterr().err
