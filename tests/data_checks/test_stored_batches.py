"""A batch that is checked slice by slice has the results that it has in memory, check by check."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_checks.validation import Validation, validate
from perennial.intake.copies import copies_in
from perennial.intake.typed import stored_batch, typed_batch
from perennial.sources.batch_rows import BatchRows
from tests.data_checks.flight_batches import END, WINDOW, declare
from tests.data_checks.test_catalogue import every_check

CONDITIONS = ("carrier == 'UA' and temp > 60", "temp > temp.mean()", "temp < 0")


@pytest.mark.parametrize("severity", ["critical", "warning"])
@pytest.mark.parametrize(("order", "rows_at_a_time"), [("as it counts", 9), ("another", 9), ("as it counts", 1000)])
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
    known = {
        "as_of": END,
        "window": WINDOW,
        "copies": {40: 20},
        "accepted_in": pd.Series({4: "2012-12"}, dtype="str"),
        "time_faults": pd.Series({2: "implausibly late"}, dtype="object").reindex(whole.index),
    }
    in_memory = validate(whole, declaration, **known)
    with stored_batch(declaration, file, tmp_path) as batch:
        assert validate(batch, declaration, **known) == in_memory
    assert len(in_memory.results) > len(checks)
    moved = 20 if order == "another" else 0
    assert {2, 4, 8 + moved, 9 + moved, 11 + moved, 13, 17, 40} <= set(in_memory.set_aside)


ANY_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "flight_id": st.sampled_from(["a", "b", "c", "d", "é", "", None]),
            "time_hour": st.sampled_from(["2013-01-02T05:00:00Z", "2013-03-02T05:00:00Z", "soon", None]),
            "temp": st.sampled_from(["1", "0", "-0", "1.5", "9007199254740993", "-3", "warm", None]),
            "carrier": st.sampled_from(["UA", "7", "U7", None]),
            "late": st.sampled_from(["0", "1", "2", None]),
        }
    ),
    min_size=1,
    max_size=14,
)
ABOUT_ROWS = (
    {"expect_column_values_to_be_between": {"column": "temp", "min_value": 0, "max_value": 2, "mostly": 0.5}},
    {"expect_column_values_to_be_in_set": {"column": "temp", "value_set": [1, 2]}, "severity": "warning"},
    {"expect_column_values_to_match_regex": {"column": "carrier", "regex": "^U"}, "severity": "critical"},
    {"expect_column_values_to_be_unique": {"column": "temp"}, "severity": "critical"},
    {"expect_compound_columns_to_be_unique": {"column_list": ["temp", "late"]}, "severity": "critical"},
    {"expect_column_pair_values_to_be_equal": {"column_A": "temp", "column_B": "late"}, "severity": "warning"},
    {"expect_column_mean_to_be_between": {"column": "temp", "min_value": 0, "max_value": 2}, "severity": "warning"},
)


@settings(max_examples=8, deadline=None)
@given(ANY_ROWS, st.sampled_from(["number", "integer"]), st.integers(3, 8), st.booleans())
def test_any_rows_have_the_same_copies_and_results(
    found: list[dict[str, str | None]], kind: str, rows_at_a_time: int, has_two_keys: bool
) -> None:
    key = ["flight_id", "carrier"] if has_two_keys else ["flight_id"]
    declaration = declare(*ABOUT_ROWS, types={"temp": kind}, key=key)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("perennial.sources.typed_rows.PART", rows_at_a_time)
        patch.setattr("data_checks.in_parts.SLICE", rows_at_a_time + 1)
        patch.setattr("perennial.sources.twins.HASHES", 2 * rows_at_a_time)
        file = Path(folder) / "batch.parquet"
        pd.DataFrame(found, dtype="str").to_parquet(file)

        def outcome(batch: BatchRows, data: Callable[[], bytes] | Path) -> tuple[dict[int, int], Validation]:
            copies = copies_in(data, ".parquet", batch, tuple(key))
            return copies, validate(batch, declaration, as_of=END, window=WINDOW, copies=copies)

        whole = outcome(typed_batch(declaration, file.read_bytes(), ".parquet"), file.read_bytes)
        with stored_batch(declaration, file, Path(folder)) as batch:
            assert outcome(batch, file) == whole
