"""A batch with more rows than may be in memory is ingested as any other."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import take_in
from tests.world import World

CHECKS: list[dict[str, Any]] = [
    {"expect_column_values_to_be_between": {"column": "price", "min_value": 0, "max_value": 450}},
    {"expect_column_mean_to_be_between": {"column": "weight", "min_value": 3}, "severity": "warning"},
]


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a month as a warehouse exports them, with some that are wrong."""
    rows = rows.assign(at=pd.to_datetime(rows["at"], utc=True), note="x")
    rows.loc[3, "order"] = rows.loc[4, "order"]
    rows.loc[5, "order"] = None
    rows.loc[30:45, "price"] = float("inf")
    rows.loc[7, "returned"] = 3
    rows.loc[8, "at"] = pd.Timestamp("2204-01-01", tz="UTC")
    rows.loc[9:11, "weight"] = None
    return pd.concat([rows, rows[20:21]], ignore_index=True)


def validated(landing: str, rows_in_memory: int, monkeypatch: pytest.MonkeyPatch) -> tuple[BatchEntry, list[Any]]:
    """The entry of the second month, not committed, and the results of its checks."""
    from tasks.batches import validate

    monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", str(rows_in_memory))
    entry = validate.fn("shop", "2024-02", landing)
    return entry, open_workspace(settings()).validations.read("shop", entry.batch)


@pytest.mark.parametrize(
    ("most", "status", "suffix"),
    [
        (0.5, "accepted", ".parquet"),
        (0.5, "accepted", ".csv.gz"),
        (0.001, "held", ".parquet"),
    ],
)
def test_in_parts_it_has_the_entry_the_results_and_the_rows_that_it_has_in_memory(
    shop: World, most: float, status: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.batches import land

    monkeypatch.setattr("perennial.sources.typed_rows.PART", 100)
    monkeypatch.setattr("perennial.sources.delimited.HEAD", 5000)
    shop.declare(checks=CHECKS, set_aside={"total": most, "per_reason": most})
    january = shop.month("2024-01")
    take_in("2024-01")
    february = typed(pd.concat([shop.month("2024-02"), january[100:101]], ignore_index=True))
    (shop.usecases / "shop" / "2024-02.csv").unlink()
    write = february.to_parquet if suffix == ".parquet" else partial(february.to_csv, index=False)
    write(shop.usecases / "shop" / f"2024-02{suffix}")
    landing = land.fn("shop", "2024-02")

    entry, results = validated(landing, 10**9, monkeypatch)
    # Rows that a former run wrote stay where they are only if they are the same, so the tables' versions show it.
    monkeypatch.setattr("data_checks.in_parts.SLICE", 70)
    assert validated(landing, 50, monkeypatch) == (entry, results)
    assert entry.status == status
    assert {each.reason.partition(":")[0] for each in entry.quarantine} >= {"order", "price", "returned", "at"}
    assert any("accepted before" in each.reason for each in entry.quarantine)
    assert not list((Path(settings().spill)).glob("*"))
