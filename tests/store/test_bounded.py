"""Joins and sorts within a limit on memory."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from perennial.errors import TableUnreadable
from perennial.our_columns import BATCH
from perennial.store.bounded import Bounds, OutOfMemory, connected
from perennial.store.tables import Tables

LARGE = "SELECT md5(range::VARCHAR) AS text FROM range(3_000_000)"


def test_what_does_not_fit_into_the_memory_continues_in_files_that_are_removed(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    with connected(Bounds(64 * 2**20, spill)) as connection:
        connection.execute(f"CREATE TEMP TABLE large AS {LARGE}")
        assert list(spill.iterdir()), "it does not fit into 64 MiB"
        assert connection.execute("SELECT count(*) FROM large").fetchone() == (3_000_000,)
    assert not spill.exists() or not list(spill.iterdir())


def test_without_a_place_for_files_the_error_names_the_setting(tmp_path: Path) -> None:
    with (
        pytest.raises(OutOfMemory, match="PERENNIAL_MEMORY"),
        connected(Bounds(64 * 2**20, tmp_path / "gone" / "spill")) as connection,
    ):
        connection.execute(f"CREATE TEMP TABLE large AS {LARGE}")


def test_an_unreadable_file_is_reported_as_such_by_a_join_over_it(tmp_path: Path) -> None:
    tables = Tables(str(tmp_path))
    rows = pa.table({"key": pa.array(range(1000)), BATCH: pa.array(["b"] * 1000)})
    tables.append("shop", "accepted", rows, "b")
    for part in (tmp_path / "shop" / "accepted").glob("*.parquet"):
        part.write_bytes(b"?" * part.stat().st_size)
    stream = tables.stream("shop", "accepted", ["b"])
    assert stream is not None
    with pytest.raises(TableUnreadable, match="restore it"), tables.joining(rows=stream) as connection:
        connection.execute("SELECT sum(key) FROM rows").fetchall()
