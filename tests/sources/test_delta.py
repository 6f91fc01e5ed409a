"""A Delta table as a source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable, write_deltalake

from perennial.errors import InputError
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


def test_what_is_no_table_or_has_no_time_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no Delta table at"):
        DeltaRows(str(tmp_path / "none"), "month", "at", "UTC").windows()
    write_deltalake(str(tmp_path / "lake"), pd.DataFrame({"x": [1]}))
    with pytest.raises(InputError, match="has no time column 'at'\n  it has x"):
        DeltaRows(str(tmp_path / "lake"), "month", "at", "UTC").windows()
