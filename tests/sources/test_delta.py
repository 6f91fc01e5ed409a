"""A Delta table as a source."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable, write_deltalake

from perennial.errors import InputError, TableUnreadable, TransientError
from perennial.sources.delta import DeltaRows
from tests.training.stores import take_in
from tests.world import World, month_of_rows


@pytest.mark.parametrize("as_times", [True, False], ids=["timestamps", "texts"])
def test_a_table_is_cut_into_batches_and_a_rewritten_file_is_no_revision(
    world: World, tmp_path: Path, as_times: bool
) -> None:
    for month in ("2024-01", "2024-02"):
        rows = month_of_rows(month, rows_a_day=20)
        if as_times:
            rows["at"] = pd.to_datetime(rows["at"])
        write_deltalake(str(tmp_path / "lake"), rows, mode="append")
    world.declare(source={"kind": "delta", "path": "../lake", "batch": "month"})
    first = take_in("2024-01")
    assert (first.rows.accepted, first.rows.quarantined) == (620, 0)
    DeltaTable(tmp_path / "lake").optimize.compact()
    assert take_in("2024-01") == first
    assert take_in("2024-02").rows.accepted == 580


def test_what_is_not_a_table_or_has_no_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no Delta table at"):
        DeltaRows(str(tmp_path / "none"), "month", "at", "UTC").windows()
    write_deltalake(str(tmp_path / "lake"), pd.DataFrame({"x": [1]}))
    with pytest.raises(InputError, match="has no time column 'at'\n  it has x"):
        DeltaRows(str(tmp_path / "lake"), "month", "at", "UTC").windows()


@pytest.mark.parametrize(
    ("feature", "shown"), [("deletionVectors", "purge"), ("columnMapping", "mapping"), ("typeWidening", "plain copy")]
)
def test_a_feature_that_the_reader_does_not_know_is_refused_by_name(tmp_path: Path, feature: str, shown: str) -> None:
    rows = month_of_rows("2024-01", rows_a_day=2)
    write_deltalake(str(tmp_path / "lake"), rows)
    features = {"readerFeatures": [feature], "writerFeatures": [feature]}
    entry = json.dumps({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}})
    (tmp_path / "lake" / "_delta_log" / f"{1:020}.json").write_text(f"{entry}\n")
    with pytest.raises(InputError, match="which the reader here does not know") as caught:
        DeltaRows(str(tmp_path / "lake"), "month", "at", "UTC").windows()
    assert caught.value.code == "delta-feature"
    assert feature in str(caught.value) and shown in caught.value.fix.lower()


def test_a_table_whose_files_are_gone_or_damaged_is_reported(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "lake"), month_of_rows("2024-01", rows_a_day=2))
    (file,) = (tmp_path / "lake").glob("*.parquet")
    data = file.read_bytes()
    file.write_bytes(data[:100])
    with pytest.raises(TransientError, match="cannot be read to its end"):
        DeltaRows(str(tmp_path / "lake"), "month", "at", "UTC").windows()
    file.unlink()
    with pytest.raises(TableUnreadable, match=r"a file of the table at .* is gone"):
        DeltaRows(str(tmp_path / "lake"), "month", "at", "UTC").windows()
