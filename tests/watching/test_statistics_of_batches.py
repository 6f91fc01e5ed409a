"""A shop that is watched by every built-in channel: what they find, what is stored, and that it is stored once."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.features.recipe import recipe_of
from perennial.ledger.entries import BatchEntry, Cycle, Episode
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.declaration import Watch
from perennial.watching.batch_statistics import BatchStatistics, FeatureCounts
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.frames import merged_features
from tasks.health import watch_champion
from tests.training.stores import cycle
from tests.world import World, month_of_rows

CHANNELS = [
    "level",
    "unseen",
    "features",
    "predictions",
    "estimated_loss",
    "calibration",
    "business",
    "age",
]
MONTHS = ("2024-01", "2024-02", "2024-03")


def shop_of(folder: Path) -> World:
    (folder / "usecases").mkdir(parents=True, exist_ok=True)
    (folder / "usecases" / "value.py").write_text(
        "def saved(y, p):\n    return ((p > 0.5) & (y == 1)) * 10.0 - ((p > 0.5) & (y == 0)) * 4.0\n"
    )
    return World(folder / "usecases").declare(
        watch={"channels": CHANNELS},
        evaluation={
            "primary": "log_loss",
            "metrics": {"saved": {"function": "value.py:saved"}},
            "also": ["saved"],
        },
    )


def in_pounds(rows: pd.DataFrame) -> pd.DataFrame:
    """The weight in another unit, as if a supplier had switched."""
    return rows.assign(weight=(rows["weight"] * 2.205).round(3))


def done(shop: World, month: str, rows: pd.DataFrame | None = None) -> Cycle:
    """The cycle of a month, of the given rows if there are some."""
    shop.month(month)
    if rows is not None:
        rows.to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)
    ended = cycle()
    assert isinstance(ended, Cycle), ended
    return ended


@pytest.fixture
def shop(home: Path) -> World:
    return shop_of(home.parent)


def stored() -> dict[str, bytes]:
    """Every file of statistics of the home."""
    folder = settings().home / "statistics"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_channel_finds_something_on_an_ordinary_batch_and_none_alarms(shop: World) -> None:
    for month in MONTHS:
        newest = done(shop, month)
    assert newest.health.alarms == ()
    readings = {each.channel: each for each in newest.health.readings}
    assert set(readings) == set(CHANNELS)
    for name, each in readings.items():
        assert each.value is not None, (name, each.words)
        assert each.threshold is not None, (name, each.words)
    assert "0 of 3 features are further from the training rows" in readings["features"].words
    assert "per day (95 % interval" in readings["business"].words
    assert "Without labels, log_loss" in readings["estimated_loss"].words


def test_an_episode_shows_what_it_costs_in_the_declared_value_with_its_interval_and_sample(shop: World) -> None:
    for month in MONTHS[:2]:
        done(shop, month)
    flipped = done(shop, MONTHS[2], month_of_rows(MONTHS[2], rows_a_day=shop.rows_a_day, flipped=True))
    business = next(each for each in flipped.health.readings if each.channel == "business")
    episodes = [row.payload for row in open_workspace(settings()).ledger.all("shop", Episode)]
    evidence = next(each.evidence for each in episodes if each.channel == "level")
    assert evidence is not None and evidence.value is not None and evidence.cost_per_day is not None
    value, tolerance = evidence.value, Watch().tolerance
    assert business.value is not None and business.threshold is not None
    assert value.lost == pytest.approx(business.threshold / (1 - tolerance) - business.value)
    assert 0 < value.low < value.lost < value.high
    assert (value.name, value.rows, value.days) == ("saved", flipped.health.labelled_rows, 31)
    assert evidence.cost_low is not None and evidence.cost_high is not None
    assert 0 < evidence.cost_low < evidence.cost_per_day < evidence.cost_high


def test_a_change_of_unit_is_found_on_its_first_batch_with_its_cause_and_retrains_nothing(shop: World) -> None:
    for month in MONTHS[:2]:
        done(shop, month)
    changed = done(shop, MONTHS[2], in_pounds(month_of_rows(MONTHS[2], rows_a_day=shop.rows_a_day)))
    (alarm,) = [each for each in changed.health.alarms if each.channel == "features"]
    assert alarm.severity == "info"
    assert alarm.detail.startswith("1 of 3 features is further from the training rows than an ordinary period: weight")
    assert "on the same values (1,240 labelled rows)" in alarm.detail
    assert changed.health.action == "none"


def test_what_was_counted_is_written_once_and_its_rows_are_never_read_again(shop: World) -> None:
    for month in MONTHS:
        done(shop, month)
    once = stored()
    assert len([name for name in once if "/batches/" in name]) == 3
    workspace = open_workspace(settings())
    batches = [row.payload for row in workspace.ledger.all("shop", BatchEntry)]
    recipe = next(iter(once)).split("/")[1]

    def unread(batch: str) -> pd.DataFrame:
        raise AssertionError(f"the rows of {batch} were read again")

    case = workspace.use_case("shop")
    counts = FeatureCounts(workspace.statistics("shop", recipe), recipe_of(case), case.declaration.schema_, unread)
    quarter = merged_features([counts.of(batch.batch) for batch in batches], counts.grids)
    assert quarter["price"].rows == sum(batch.rows.accepted for batch in batches)
    assert quarter["price"].days.size == 91
    assert watch_champion.fn("shop", batches[2]).readings
    assert once.items() <= stored().items(), "a new champion adds its profile and counts no batch again"
    assert len([name for name in stored() if "/batches/" in name]) == 3


def test_on_disk_part_by_part_every_finding_and_every_file_is_the_same_to_the_last_bit(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.store.stored_rows.PART", 200)
    monkeypatch.setattr("perennial.watching.statistics.counting.CHUNK", 50)
    shop.declare(watch={"channels": [*CHANNELS, "gap", "multivariate"]})
    for month in MONTHS[:2]:
        done(shop, month)
    rows = month_of_rows(MONTHS[2], rows_a_day=shop.rows_a_day, new_carrier=0.2)
    done(shop, MONTHS[2], rows.assign(weight=rows["weight"].where(rows["weight"] > 1.2)))
    first, _, newest = [row.payload for row in open_workspace(settings()).ledger.all("shop", BatchEntry)]

    def watched() -> Any:
        shutil.rmtree(settings().home / "statistics")
        return watch_champion.fn("shop", first), watch_champion.fn("shop", newest), stored()

    in_memory = watched()
    monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", "1")
    assert watched() == in_memory
    assert {"unseen", "features"} <= {each.channel for each in in_memory[1].alarms}


def test_a_damaged_file_is_counted_again(shop: World) -> None:
    for month in MONTHS:
        newest = done(shop, month)
    once = stored()
    for path in (settings().home / "statistics").rglob("*.parquet"):
        path.write_bytes(b"half a file")
    batch = open_workspace(settings()).ledger.all("shop", BatchEntry)[2].payload
    again = {each.channel: each.words for each in watch_champion.fn("shop", batch).readings}
    assert again["features"].startswith("0 of 3 features") and newest.health.alarms == ()
    assert {name: each for name, each in stored().items() if "/batches/" in name}.items() <= once.items()


def test_a_failing_channel_is_unknown_and_the_cycle_goes_on(shop: World) -> None:
    for month in MONTHS[:2]:
        done(shop, month)
    shutil.rmtree(settings().home / "statistics")
    (settings().home / "statistics").write_text("not a folder")
    newest = done(shop, MONTHS[2])
    failed = next(each for each in newest.health.readings if each.channel == "features")
    assert failed.value is None
    assert failed.words.startswith("The channel features failed on this batch: ")
    assert next(each for each in newest.health.readings if each.channel == "level").value is not None


def test_weeks_that_a_training_left_out_hide_none_that_it_learned_from() -> None:
    weeks = {f"w{n}": {"price": Counts(np.arange(7 * n, 7 * n + 7), np.ones((7, 2), dtype=np.int64))} for n in range(6)}
    kept: dict[str, object] = {}
    files = SimpleNamespace(table=lambda name: None, keep_table=kept.__setitem__)
    features: Any = SimpleNamespace(files=files, schema=SimpleNamespace(timezone="UTC"), grids={}, of=weeks.get)
    learned = {"first": "1970-01-01T00:00:00Z", "last": "1970-01-24T00:00:00Z", "batches": tuple(weeks)}
    snapshot: Any = SimpleNamespace(**learned)
    nothing: Any = None
    seen = BatchStatistics(features, "w5", nothing, nothing, "c", (), snapshot, lambda: None, nothing).trained
    assert seen is not None
    assert seen["price"].days.tolist() == list(range(24)), "two newest weeks have none of these days"
    assert list(kept) == ["champions/c"]
