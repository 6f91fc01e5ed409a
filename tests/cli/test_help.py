"""Help: every command is in a group, has a summary of one line, and fits 80 columns."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from perennial import cli
from perennial.cli.app import GROUPS, app

CLI = Path(cli.__file__).parent
runner = CliRunner()
NAMES = [command.__name__.replace("_", "-") for commands in GROUPS.values() for command in commands]


def _help(*words: str) -> str:
    return runner.invoke(app, [*words, "--help"], env={"COLUMNS": "80"}, prog_name="perennial").output


def test_the_help_lists_the_commands_in_groups_with_a_summary_of_one_line_each() -> None:
    lines = _help().splitlines()
    for group, commands in GROUPS.items():
        start = lines.index(f"{group}:")
        for number, command in enumerate(commands, start=start + 1):
            assert lines[number].split()[0] == command.__name__.replace("_", "-"), (
                "in the order in which they are used, on one line"
            )
            assert lines[number].rstrip().endswith("."), "a whole sentence"


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_help_is_longer_than_80_columns_or_cut_short(name: str) -> None:
    text = _help(name)
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.partition("Options:")[0].partition("\n")[2]


def test_every_option_has_a_help_text() -> None:
    group: Any = typer.main.get_command(app)
    for name in NAMES:
        for parameter in group.commands[name].params:
            assert parameter.help, f"{name}: {parameter.name}"


def test_the_help_of_a_command_with_an_exit_code_of_its_result_names_it() -> None:
    ends = {(path.stem, name) for path in CLI.glob("*.py") for name in _that_exit(path)}
    assert ("run_flows", "ingest") in ends and ("traffic", "replay_traffic") in ends
    for path in (CLI / "commands").glob("*.py"):
        for command in [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)]:
            calls = {
                (called.value.id, called.attr)
                for call in ast.walk(command)
                if isinstance(call, ast.Call)
                and isinstance(called := call.func, ast.Attribute)
                and isinstance(called.value, ast.Name)
            }
            if calls & ends:
                assert "xit code" in (ast.get_docstring(command) or "") or "exit with 3" in ast.unparse(command), (
                    f"{command.name}: {calls & ends}"
                )


def _that_exit(path: Path) -> set[str]:
    """The functions of a module that end the process with an exit code, themselves or by another one of it."""
    functions = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)]
    names = {
        each.name: {ast.unparse(call.func) for call in ast.walk(each) if isinstance(call, ast.Call)}
        for each in functions
    }
    ends = {name for name, calls in names.items() if "sys.exit" in calls}
    while more := {name for name, calls in names.items() if calls & ends} - ends:
        ends |= more
    return ends
