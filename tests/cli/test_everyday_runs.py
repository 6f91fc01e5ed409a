"""Everyday files through the whole of it: drafted, and a first cycle run from each."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial
from tests.usecase.test_everyday_files import GERMAN, File, dated, orders

FILES = [
    File("german", **GERMAN, encoding="cp1252", packed=gzip.compress, null="k.A.", returned=lambda v: "JN"[v]),
    File("american", price=lambda v: f"${v:,}", quote='"', null="-", at=dated("%m/%d/%Y %I:%M %p")),
    File("unicode", encoding="utf-16", separator="\t", at=dated("%d/%m/%Y %H:%M"), above="# by Ada\n"),
]


@pytest.mark.slow
def test_what_init_writes_of_an_everyday_file_runs(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perennial: Perennial
) -> None:
    (tmp_path / "usecases").mkdir(exist_ok=True)
    assert os.environ["PERENNIAL_USECASES"] == str(tmp_path / "usecases")
    for file in FILES:
        (tmp_path / f"{file.name}.csv").write_bytes(file.data(orders()))
        drafted = perennial("init", str(tmp_path / f"{file.name}.csv"), "--target", "returned", "--key", "order")
        assert drafted.code == 0, drafted.err
        ran = perennial("run", file.name)
        assert ran.code == 0, ran.err
        (entry,) = open_workspace(settings()).ledger.all(file.name, BatchEntry)
        rows = entry.payload.rows
        assert rows.accepted == rows.arrived == sum(orders()["at"].dt.month == 1)
