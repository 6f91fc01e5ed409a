"""The source that the docs show, installed as a separate package, delivers a batch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.training.stores import take_in
from tests.world import World, month_of_rows

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-source.md"


def test_the_source_of_the_docs_brings_a_batch(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (entry,) = re.findall(r"^jsonl = \"(.*)\"$", page, re.MULTILINE)
    site = tmp_path / "site"
    info = site / "json_lines-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "json_lines.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: json-lines\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[perennial.sources]\njsonl = {entry}\n")
    monkeypatch.syspath_prepend(site)
    (tmp_path / "data").mkdir()
    rows = month_of_rows("2024-01", rows_a_day=20)
    rows.to_json(tmp_path / "data" / "2024-01.jsonl", orient="records", lines=True)
    world.declare(source={"kind": "jsonl", "path": "../data"})
    batch = take_in("2024-01")
    assert (batch.rows.accepted, batch.rows.quarantined) == (620, 0)
