"""Every command that a message names can be typed as it is written."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from perennial.cli.app import app
from perennial.cli.failures import usage_error
from perennial.cli.hints import _COMMANDS, _OPTIONS

ROOT = Path(__file__).resolve().parents[2]
IN_TEXT = re.compile(r"`perennial ([^`\n]+)`")


def texts_of(module: Path) -> Iterator[str]:
    """The texts of a module that names a command, with `x` in the place of what is filled in."""
    source = module.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)) if "`perennial " in source else ():
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def commands_named() -> list[str]:
    modules = [path for folder in ("perennial", "tasks", "flows") for path in (ROOT / folder).rglob("*.py")]
    found = {
        named for module in modules for text in texts_of(module) for named in IN_TEXT.findall(text) if named != "x"
    }
    return sorted({*found, *IN_TEXT.findall(" ".join(_COMMANDS.values()))})


def parse(words: list[str]) -> None:
    """Raises what the command line would raise for these words; runs nothing."""
    group, context = typer.main.get_command(app), None
    while hasattr(group, "commands") and words and words[0] in group.commands:
        context = group.make_context("perennial", [], parent=context, resilient_parsing=True)
        group, words = group.commands[words[0]], words[1:]
    assert context is not None, f"no command {words[0]}"
    group.make_context("", list(words), parent=context)


@pytest.mark.parametrize("named", commands_named())
def test_a_command_in_a_message_is_one_that_can_be_typed(named: str) -> None:
    words = shlex.split(named.replace("{value}", "1"))
    try:
        parse(words)
    except usage_error() as error:
        if len(words) > 1:  # a name alone is one, not what to type
            pytest.fail(f"perennial {named}: {error.format_message()}")  # type: ignore[attr-defined]


def test_every_code_with_a_hint_or_an_option_is_one_of_an_error() -> None:
    sections = set(re.findall(r"^### ([a-z-]+)$", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.MULTILINE))
    assert {*_COMMANDS, *_OPTIONS} <= sections
