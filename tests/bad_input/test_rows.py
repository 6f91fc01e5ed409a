"""Wrong rows: accepted or set aside with the reason, every one of them, and the next month is taken in.

Where the other kinds of bad input are tested:

| input | test |
|---|---|
| empty file, header only, truncated Parquet, wrong encoding | tests/bad_input/test_files.py |
| a full disk | tests/bad_input/test_disk.py |
| a missing column; labels of one class; an empty target | tests/cli/test_faults.py |
| a poisoned model file, changed bytes, foreign types | tests/training/test_loading.py, tests/cli/test_faults.py |
| a declaration with five mistakes | tests/usecase/test_reading.py |
| a home of a newer version | tests/store/test_ledger.py, tests/bad_input/test_files.py |
| a ledger with a broken chain | tests/store/test_ledger.py, tests/release/test_mending.py |
| each standing check by itself | tests/data_checks/test_standing_checks.py |
| how each value is read | tests/sources/test_parsing.py |
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from perennial.clock import instant
from perennial.features.recipe import recipe_of
from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.workspace import open_workspace
from tests.cli.conftest import write
from tests.training.stores import take_in
from tests.world import World

DAY = "2024-02-10T12:00:00Z"


def put(column: str, *values: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Write values into the first rows of a column, whatever its type."""

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.astype({column: "object"})
        rows.loc[: len(values) - 1, column] = list(values)
        return rows

    return changed


def twice(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.head(1).assign(weight=9.0)], ignore_index=True)


def taken(month: str) -> pd.DataFrame:
    """What the accepted table holds of a month."""
    workspace = open_workspace(settings())
    batch = next(r.payload for r in workspace.ledger.all("shop", BatchEntry) if r.payload.window == month)
    table = workspace.tables.read("shop", "accepted", [batch.batch])
    assert table is not None
    rows = table.to_pandas()
    return rows.set_index("order")


def all_accounted_for(batch: BatchEntry, arrived: int) -> bool:
    """Whether every row is in one of the two tables."""
    count = open_workspace(settings()).tables.count
    accepted, aside = (count("shop", name, batch.batch) for name in ("accepted", "quarantine"))
    return (accepted, aside, accepted + aside) == (batch.rows.accepted, batch.rows.quarantined, arrived)


def next_month_is_taken_in(shop: World) -> None:
    rows = shop.month("2024-03")
    march = take_in("2024-03")
    assert (march.status, march.rows.accepted) == ("accepted", len(rows))


@pytest.mark.parametrize(
    ("spoil", "aside", "message"),
    [
        pytest.param(put("price", "cheap", "12 EUR"), 2, "price", id="wrong type in some rows"),
        pytest.param(put("price", "inf", "-inf"), 2, "price", id="infinite"),
        pytest.param(put("returned", "2", "perhaps"), 2, "returned", id="no such class"),
        pytest.param(put("order", "2024-01-00000"), 1, "order", id="a key of an earlier batch"),
        pytest.param(twice, 2, "order", id="a key twice in a batch"),
        pytest.param(put("at", "2031-05-05T00:00:00Z", "soon", ""), 3, "at", id="a date from the future, or none"),
    ],
)
def test_rows_that_cannot_be_right_are_set_aside(
    shop: World, spoil: Callable[[pd.DataFrame], pd.DataFrame], aside: int, message: str
) -> None:
    shop.declare(source={"kind": "files", "path": "shop", "batch": "file"}, clock="wall")
    rows = spoil(shop.month("2024-02"))
    write(shop, "2024-02", rows)
    batch = take_in("2024-02")
    assert (batch.status, batch.rows.quarantined) == ("accepted", aside)
    assert all(message in reason.reason for reason in batch.quarantine), batch.quarantine
    assert all_accounted_for(batch, len(rows))
    next_month_is_taken_in(shop)


@pytest.mark.parametrize(
    ("spoil", "extra"),
    [
        pytest.param(put("price", "NaN", "", "NA"), (), id="no number where one may be missing"),
        pytest.param(put("carrier", "zeppelin"), (), id="unseen category"),
        pytest.param(lambda rows: rows.assign(colour="red"), ("colour",), id="extra column"),
        pytest.param(lambda rows: rows.assign(weight=""), (), id="all-null column"),
        pytest.param(lambda rows: rows.assign(returned=1), (), id="one class only"),
    ],
)
def test_rows_that_may_be_right_are_accepted(
    shop: World, spoil: Callable[[pd.DataFrame], pd.DataFrame], extra: tuple[str, ...]
) -> None:
    rows = spoil(shop.month("2024-02"))
    write(shop, "2024-02", rows)
    batch = take_in("2024-02")
    assert (batch.status, batch.rows.accepted, batch.extra_columns) == ("accepted", len(rows), extra)
    assert all_accounted_for(batch, len(rows))
    next_month_is_taken_in(shop)


def test_times_of_mixed_zones_and_of_a_doubled_or_skipped_hour(shop: World) -> None:
    shop.declare(schema={**shop.declaration["schema"], "timezone": "Europe/Berlin"})
    rows = shop.month("2024-03")
    written = ["2024-03-31 01:30", "2024-03-31 02:30", "2024-03-31T02:30:00+02:00", "2024-03-30T20:00:00-05:00"]
    write(shop, "2024-03", put("at", *written)(rows))
    batch = take_in("2024-03")
    assert batch.rows.quarantined == 1, "half past two did not happen in Berlin that night"
    found = taken("2024-03")["at"]
    assert found["2024-03-00000"] == pd.Timestamp("2024-03-31T00:30Z")
    assert "2024-03-00001" not in found
    assert found["2024-03-00002"] == pd.Timestamp("2024-03-31T00:30Z")
    assert found["2024-03-00003"] == pd.Timestamp("2024-03-31T01:00Z")

    rows = shop.month("2024-10")
    write(shop, "2024-10", put("at", "2024-10-27 02:30", "2024-10-27T02:30:00+01:00")(rows))
    assert take_in("2024-10").rows.quarantined == 0
    found = taken("2024-10")["at"]
    assert found["2024-10-00001"] - found["2024-10-00000"] == pd.Timedelta("1h"), "the doubled hour, both passings"


def test_a_column_may_be_called_like_anything_of_ours(shop: World) -> None:
    """Every name that Perennial gave its own columns before they had a prefix, and those of its SQL."""
    ours = [
        "_row",
        "_batch",
        "_arrived_at",
        "_label_known_at",
        "_label",
        "_known_at",
        "_window",
        "_place",
        "label",
        "raw",
    ]
    shop.declare(features={"numeric": ["price", *ours], "categorical": ["carrier"]}, name="shop")
    rows = shop.month("2024-02")
    rows = rows.assign(**{name: rows["price"] + place for place, name in enumerate(ours)})
    write(shop, "2024-02", rows)
    batch = take_in("2024-02")
    assert batch.rows.accepted == len(rows)
    stored = taken("2024-02").loc[rows["order"]]
    assert all((stored[name].to_numpy() == rows[name].to_numpy()).all() for name in ours)
    workspace = open_workspace(settings())
    case = workspace.use_case("shop")
    known = known_at(workspace.ledger, "shop", instant("2030-01-01T00:00:00Z"))
    read = read_rows(workspace.tables, "shop", case.declaration.schema_, known, only=(batch.batch,))
    assert set(ours) < set(read.columns)
    assert "_row" in recipe_of(case).inputs(read).columns, "a model gets them too"
