"""The core reads neither the environment nor the machine's clock, nor the settings made of them: they are passed in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "perennial"
OUTSIDE = ("cli", "processes", "fault_points.py")
"""The command line, what starts processes, and what the crash suite kills processes by."""

CLOCK = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("Timestamp", "now"),
    ("Timestamp", "today"),
}
ENVIRONMENT = {("os", "environ"), ("os", "getenv"), ("os", "putenv")}

EXCEPTIONS = {
    ("settings.py", "os.environ"): "the settings are made of it",
    ("ledger/ledger.py", "datetime.now"): "recorded_at, by which nothing is decided; a ledger can be given its clock",
    (
        "sources/sql.py",
        "os.environ",
    ): "a declaration names the variable of an address, which no file may hold",
    ("sources/sql.py", "datetime.now"): "the newest row of a live database is requested up to now",
    ("store/registry/registry.py", "os.environ"): "MLflow takes its options only from the environment",
    (
        "store/registry/places.py",
        "os.environ",
    ): "MLflow's server makes this class, and passes where it is by a variable",
    ("store/registry/places.py", "settings()"): "MLflow makes this class with an address alone",
    (
        "store/tables.py",
        "time.time",
    ): "Delta Lake counts from it how long its log is kept",
    ("store/registry/training_run.py", "time.time"): "the times that MLflow shows beside values",
}
"""(file, what it reads) → why it may."""


def asked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every place that reads the environment, the clock or the settings, by line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if (name, node.attr) in CLOCK | ENVIRONMENT:
                yield node.lineno, f"{name}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            wanted = {name for owner, name in CLOCK | ENVIRONMENT if owner == node.module}
            yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names if each.name in wanted)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "settings":
            yield node.lineno, "settings()"


def asking() -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for path in sorted(CORE.rglob("*.py")):
        place = path.relative_to(CORE)
        if place.parts[0] not in OUTSIDE:
            for line, what in asked(ast.parse(path.read_text())):
                found.setdefault((str(place), what), []).append(line)
    return found


def test_the_core_asks_nobody_for_the_environment_or_the_time() -> None:
    told = {f"{file}:{lines[0]}: {what}" for (file, what), lines in asking().items() if (file, what) not in EXCEPTIONS}
    assert not told, "pass it in, as settings, as_of or now; or list it with the reason"


@pytest.mark.parametrize(
    "line",
    [
        "import os; home = os.environ['HOME']",
        "from os import getenv",
        "from datetime import datetime; now = datetime.now()",
        "import datetime as d; now = d.datetime.utcnow()",
        "import time; now = time.time()",
        "import pandas as pd; now = pd.Timestamp.now()",
        "from perennial.settings import settings; where = settings()",
    ],
)
def test_each_way_of_asking_is_seen(line: str) -> None:
    assert len(list(asked(ast.parse(line)))) == 1


def test_durations_may_be_measured() -> None:
    assert not list(asked(ast.parse("import time; started = time.perf_counter(); time.monotonic(); time.sleep(1)")))
