"""A batch that is checked column by column has the results that it has in memory, check by check."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data_checks.validation import validate
from perennial.intake.typed import stored_batch, typed_batch
from tests.data_checks.flight_batches import END, WINDOW, declare
from tests.data_checks.test_catalogue import every_check

CONDITIONS = ("carrier == 'UA' and temp > 60", "temp > temp.mean()", "temp < 0")


@pytest.mark.parametrize("severity", ["critical", "warning"])
@pytest.mark.parametrize("order", ["as it counts", "another"])
@pytest.mark.parametrize("rows_at_a_time", [5, 1000])
def test_every_expectation_has_the_same_result(
    severity: str, order: str, rows_at_a_time: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.sources.typed_rows.PART", rows_at_a_time)
    monkeypatch.setattr("data_checks.in_parts.SLICE", rows_at_a_time + 2)
    monkeypatch.setattr("perennial.sources.twins.HASHES", 3 * rows_at_a_time)
    conditions = [{"column": "late", "value_set": [1], "row_condition": condition} for condition in CONDITIONS]
    unique = [{"column": "carrier"}, {"column": "temp", "row_condition": CONDITIONS[0]}]
    checks = [
        *every_check(severity),
        *({"expect_column_values_to_be_in_set": each} for each in conditions),
        *({"expect_column_values_to_be_unique": each} for each in unique),
    ]
    declaration = declare(*checks, types={"temp": "integer"})
    number = pd.Series(range(40))
    rows = pd.DataFrame(
        {
            "flight_id": "f" + number.where(number != 9, 8).astype("str").where(number != 11),
            "time_hour": pd.to_datetime("2013-01-01", utc=True) + pd.to_timedelta(number * 25, unit="h"),
            "temp": (20.0 + 3 * number).where(number % 7 != 0).where(number != 13, 0.5),
            "carrier": number.map({3: "7", 5: "U7", 6: "", 8: "2013"}).fillna("UA"),
            "late": number % 2 + (number == 17),
            "gate": "B",
        }
    )
    if order == "another":
        rows["flight_id"] = rows["flight_id"].to_numpy()[[*range(20, 40), *range(20)]]
    file = tmp_path / "batch.parquet"
    pd.concat([rows, rows[20:21]]).to_parquet(file)
    whole = typed_batch(declaration, file.read_bytes(), ".parquet")
    given = {
        "as_of": END,
        "window": WINDOW,
        "copies": {40: 20},
        "accepted_in": pd.Series({4: "2012-12"}, dtype="str"),
        "time_faults": pd.Series({2: "implausibly late"}, dtype="object").reindex(whole.index),
    }
    in_memory = validate(whole, declaration, **given)
    with stored_batch(declaration, file, tmp_path) as batch:
        assert validate(batch, declaration, **given) == in_memory
    assert len(in_memory.results) > len(checks)
    moved = 20 if order == "another" else 0
    assert {2, 4, 8 + moved, 9 + moved, 11 + moved, 13, 17, 40} <= set(in_memory.set_aside)
