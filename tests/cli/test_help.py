"""Help: every command is in a group, has a summary of one line, and fits 80 columns."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from perennial.cli.app import GROUPS, app

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
