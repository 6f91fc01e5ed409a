"""The command line as a person uses it, on a shop that has been running for two months."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from perennial.ledger.entries import Recorded
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.places import lead_to
from tests.world import World, copied

ROWS_A_DAY = 20


@dataclass(frozen=True)
class Told:
    """What a command left behind."""

    code: int
    out: str
    err: str


Perennial = Callable[..., Told]


@pytest.fixture
def perennial(prefect_server: str, capsys: pytest.CaptureFixture[str]) -> Perennial:
    """`perennial("run", "shop")`: the command in this process, its exit code and what it wrote."""

    return asking(capsys)


def asking(capsys: pytest.CaptureFixture[str]) -> Perennial:
    """Runs commands in this process."""

    def call(*arguments: str) -> Told:
        capsys.readouterr()
        code = command(*arguments)
        said = capsys.readouterr()
        return Told(code, said.out, said.err)

    return call


def command(*arguments: str) -> int:
    """Run a command in this process; its exit code. Running text is not wrapped, so that a sentence can be found."""
    from perennial.cli import main, output

    before, sys.argv, output.PIPE_WIDTH = sys.argv, ["perennial", *arguments], 10_000
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv, output.PIPE_WIDTH = before, 80
    return 0


@pytest.fixture(scope="session")
def template(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with home and use cases after January and February: version 1 serves, version 2 waits."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        shop = World(folder / "usecases", rows_a_day=ROWS_A_DAY).declare()
        shop.month("2024-01")
        assert command("run", "shop") == 0
        # The labels of its last day never come, so that March begins without any.
        february = shop.month("2024-02").astype({"returned": "object"})
        february.loc[february["at"] >= "2024-02-29", "returned"] = None
        write(shop, "2024-02", february)
        assert command("run", "shop") == 0
    return folder


@pytest.fixture
def settled(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of the shop after January and February, for this test alone."""
    copied(template, tmp_path)
    lead_to(monkeypatch, tmp_path)
    return World(tmp_path / "usecases", rows_a_day=ROWS_A_DAY)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are retried as ever, without the pauses between."""
    from prefect import Task

    import flows.backfill  # noqa: F401

    for module in [m for name, m in sys.modules.items() if name.startswith("tasks.")]:
        for each in vars(module).values():
            if isinstance(each, Task):
                monkeypatch.setattr(each, "retry_delay_seconds", 0)


def write(shop: World, month: str, rows: pd.DataFrame) -> None:
    """Put a month's file into the shop's folder."""
    rows.to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)


def ledger_rows() -> int:
    """How many rows the shop's ledger has, its chain whole."""
    return open_workspace(settings()).ledger.verify("shop")


def payloads(kind: type[Recorded]) -> list[Recorded]:
    """Every row of a kind in the shop's ledger."""
    return [row.payload for row in open_workspace(settings()).ledger.all("shop", kind)]
