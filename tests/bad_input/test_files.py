"""Files that are not batches, and homes of other versions: reported, nothing ingested, and the month can come again."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from perennial.errors import InputError
from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import take_in
from tests.world import World


def parquet(rows: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    rows.to_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "2024-02: the file is empty.*\n.*with its header and its rows, or remove it"),
        ("header only", "2024-02: the file has a header but no row.*\n.*with its header and its rows, or remove it"),
        ("truncated", "2024-02: cannot be read as Parquet.*\n.*was it cut short"),
        ("wrong encoding", "2024-02: line 2 is not UTF-8.*\n.*save it as UTF-8"),
    ],
)
def test_a_file_that_is_not_a_batch_is_named_and_can_come_again(shop: World, kind: str, message: str) -> None:
    rows = shop.month("2024-02")
    folder = shop.usecases / "shop"
    csv, suffix = (folder / "2024-02.csv").read_bytes(), "csv"
    if kind == "truncated":
        (folder / "2024-02.csv").unlink()
        whole, suffix = parquet(rows), "parquet"
        bad = whole[: len(whole) // 2]
    else:
        whole = csv
        header = csv.splitlines(keepends=True)[0]
        latin = header + csv[len(header) :].replace(b"-", b"\xe9", 1)
        bad = {"empty": b"", "header only": header, "wrong encoding": latin}[kind]
    (folder / f"2024-02.{suffix}").write_bytes(bad)
    with pytest.raises(InputError, match=message):
        take_in("2024-02")
    assert [r.payload.window for r in open_workspace(settings()).ledger.all("shop", BatchEntry)] == ["2024-01"]

    shop.month("2024-03")
    assert take_in("2024-03").status == "accepted"
    (folder / f"2024-02.{suffix}").write_bytes(whole)
    mended = take_in("2024-02")
    assert (mended.status, mended.rows.accepted) == ("accepted", len(rows))


def test_a_home_of_a_newer_version_is_reported_and_left_alone(shop: World) -> None:
    file = open_workspace(settings()).settings.home / "ledger.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    shop.month("2024-02")
    with pytest.raises(InputError, match="Upgrade Perennial"):
        take_in("2024-02")
