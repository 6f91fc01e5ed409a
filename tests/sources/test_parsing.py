"""A value either has the type of its column or is kept as it was written, whatever its neighbours are."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.sources.column_type import ColumnType
from perennial.sources.parsing import Parsed, UnreadableBatch, parse


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def column(
    values: Sequence[str], kind: ColumnType, timezone: str = "UTC", **options: Any
) -> tuple[list[Any], list[Any]]:
    """What a CSV column is read as, and the texts that were unreadable."""
    data = "n,x\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))
    return both(parse(data.encode(), ".csv", {"x": kind}, timezone, **options))


def both(parsed: Parsed) -> tuple[list[Any], list[Any]]:
    read = [None if pd.isna(value) else value for value in parsed.frame["x"]]
    if "x" not in parsed.unreadable:
        return read, []
    return read, [None if pd.isna(value) else value for value in parsed.unreadable["x"]]


def test_numbers_are_read_and_everything_else_is_kept() -> None:
    values = ["1", "-2.5", "+3", ".5", "1e3", "", "NA", "NaN", "null", "true", "False", " 7 "]
    assert column(values, "number") == ([1, -2.5, 3, 0.5, 1000, None, None, None, None, 1, 0, 7], [])
    bad = ["inf", "-Infinity", "1e999", "abc", "0x10", "1_000", "12:30", '"1,5"', "1 2"]
    read, kept = column(["1", *bad], "number")
    assert read == [1, *[None] * 9]
    assert kept == [None, "inf", "-Infinity", "1e999", "abc", "0x10", "1_000", "12:30", "1,5", "1 2"]


def test_whole_numbers_may_be_written_with_a_point_and_keep_every_digit() -> None:
    values = ["1", "1.0", "-3.", "007", "1e3", "9007199254740993", "9223372036854775807", "-1.50", "1.5"]
    read, kept = column([*values, "9223372036854775808", "x", ""], "integer")
    assert read == [1, 1, -3, 7, 1000, 9007199254740993, 9223372036854775807, None, None, None, None, None]
    assert kept == [*[None] * 7, "-1.50", "1.5", "9223372036854775808", "x", None]


def test_truth_values() -> None:
    read, kept = column(["true", "FALSE", "1", "0", "1.0", "", "yes", "2"], "boolean")
    assert read == [True, False, True, False, True, None, None, None]
    assert kept == [*[None] * 6, "yes", "2"]


def test_truth_values_count_as_numbers() -> None:
    read, kept = column(["0", "1", "true", "FALSE", "", "2", "yes"], "number")
    assert read == [0, 1, 1, 0, None, 2, None]
    assert kept == [*[None] * 6, "yes"]


def test_yes_and_no_are_answers_in_the_target_alone() -> None:
    data = b"searched,lat\nYES,no\nno,1\n,2\nmaybe,3\n1,4\n"
    parsed = parse(data, ".csv", {"searched": "number", "lat": "number"}, "UTC", "searched")
    assert parsed.frame["searched"].tolist()[:2] == [1, 0]
    assert parsed.frame["searched"][4] == 1
    assert parsed.unreadable["searched"].dropna().tolist() == ["maybe"]
    assert parsed.unreadable["lat"].dropna().tolist() == ["no"]


def test_text_is_left_alone_and_nothing_is_nothing() -> None:
    values = ["a", " b ", "", '""', "NA", '"NA"', "null", "none", "ü", '"a,""b"""', "1.0"]
    assert column(values, "text") == ([*"a", " b ", None, None, None, "NA", None, "none", "ü", 'a,"b"', "1.0"], [])


def test_times_with_and_without_a_zone() -> None:
    values = ["2013-07-01T05:00:00Z", "2013-07-01 05:00:00+02:00", "2013-07-01T05:00-0430", "2013-07-01 05:00:00 UTC"]
    local = ["2013-07-01T05:00:00", "2013-07-01 05:00", "2013-07-01", "20130701", "2013-07", "2013", "2013-07-01T05"]
    read, kept = column([*values, *local], "timestamp", "America/New_York")
    assert kept == []
    assert [value.strftime("%m-%dT%H:%M") for value in read] == [
        *("07-01T05:00", "07-01T03:00", "07-01T09:30", "07-01T05:00"),
        *("07-01T09:00", "07-01T09:00", "07-01T04:00", "07-01T04:00", "07-01T04:00", "01-01T05:00", "07-01T09:00"),
    ]


def test_what_is_not_a_time_is_kept() -> None:
    bad = ["now", "today", "1357034400", "2013-13-01", "2013-02-30", "01/02/2013", "12:30", "2013-01-01T25:00", "x"]
    assert column([*bad, ""], "timestamp") == ([None] * 10, [*bad, None])


def test_a_repeated_hour_is_its_first_passing_and_a_skipped_one_is_unreadable() -> None:
    read, kept = column(["2013-11-03 01:30", "2013-11-03 02:30", "2013-03-10 02:30"], "timestamp", "America/New_York")
    assert read[0] == datetime(2013, 11, 3, 5, 30, tzinfo=UTC)
    assert read[1] == datetime(2013, 11, 3, 7, 30, tzinfo=UTC)
    assert kept == [None, None, "2013-03-10 02:30"]


def test_a_far_year_does_not_depend_on_a_neighbours_precision() -> None:
    read, kept = column(["2013-01-01T00:00:00.123456789Z", "9999-12-31", "1500-01-01"], "timestamp")
    assert kept == []
    assert read[0].microsecond == 123456
    assert [value.year for value in read[1:]] == [9999, 1500]


def test_the_frame_has_the_declared_types_in_the_order_of_arrival() -> None:
    types: dict[str, ColumnType] = {
        "text": "text",
        "time": "timestamp",
        "number": "number",
        "integer": "integer",
        "boolean": "boolean",
        "gone": "number",
    }
    data = b"boolean,more,number,text,time,integer\n1,?,2,b,2013,1\n0,?,1,a,2012,2\n"
    parsed = parse(data, ".csv", types, "UTC")
    assert {name: str(kind) for name, kind in parsed.frame.dtypes.items()} == {
        "text": "str",
        "time": "datetime64[us, UTC]",
        "number": "float64",
        "integer": "Int64",
        "boolean": "boolean",
    }
    assert list(parsed.frame["text"]) == ["b", "a"]
    assert parsed.missing == ("gone",)
    assert parsed.extra == ("more",)
    empty = parse(data.splitlines(keepends=True)[0], ".csv", types, "UTC")
    assert len(empty.frame) == 0
    assert list(empty.frame.dtypes) == list(parsed.frame.dtypes)
    assert empty.unreadable == {}


def test_rows_without_any_declared_column_still_count() -> None:
    parsed = parse(b"a,b\n1,2\n3,4\n", ".csv", {"x": "number"}, "UTC")
    assert parsed.frame.shape == (2, 0)
    assert parsed.missing == ("x",)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    data = delimiter.join(["a", '"b,c;d"', "x"]) + "\r\n" + delimiter.join(["1", "u", "2"]) + "\r\n"
    parsed = parse(data.encode(), ".csv", {"x": "number", "b,c;d": "text"}, "UTC")
    assert list(parsed.frame["x"]) == [2]
    assert list(parsed.frame["b,c;d"]) == ["u"]


def test_a_quote_inside_a_value_is_part_of_it() -> None:
    parsed = parse(b'x,note\n1,5" pipe\n2,6" pipe\n3,7" pipe', ".csv", {"x": "number", "note": "text"}, "UTC")
    assert list(parsed.frame["note"]) == ['5" pipe', '6" pipe', '7" pipe']


def test_a_byte_order_mark_and_line_breaks_in_quotes_are_no_matter() -> None:
    data = b'\xef\xbb\xbfx,note\n1,"two\nlines"\n2,one\n'
    parsed = parse(data, ".csv", {"x": "number", "note": "text"}, "UTC")
    assert list(parsed.frame["x"]) == [1, 2]
    assert parsed.frame["note"][0] == "two\nlines"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "the file is empty: not even a header"),
        (b"\n\n", "the file is empty: not even a header"),
        ("x,y\n1,2\ncafé,2\n".encode("latin-1"), "line 3 is not UTF-8 .byte 0xe9.\n  write `encoding: cp1252`"),
        (b"x,y\n1,2\n1,2,3\n1\n", "row 3 has 3 values, the header 2 .2 rows are so."),
        (b"x,y,x\n1,2,3\n", "the header names 'x' twice"),
        (b'x,"y\n1,2\n', "a quote in the header is not closed"),
        (b'x,y\n1,2\n1,"2\n3,4', "the quote in row 3 is not closed"),
        (b'x,y\n1,"2\n3,4\n', "the quote in row 2 is not closed"),
    ],
)
def test_a_csv_that_is_not_a_table_is_refused_with_the_reason(data: bytes, shown: str) -> None:
    with pytest.raises(UnreadableBatch, match=shown):
        parse(data, ".csv", {"x": "number"}, "UTC")


def test_a_parquet_that_is_not_a_table_is_refused_with_the_reason() -> None:
    whole = parquet(x=[1.0, 2.0])
    for data in (whole[: len(whole) // 2], whole[:-3], b"x,y\n1,2\n"):
        with pytest.raises(UnreadableBatch, match="cannot be read as Parquet"):
            parse(data, ".parquet", {"x": "number"}, "UTC")
    with pytest.raises(UnreadableBatch, match="empty"):
        parse(b"", ".parquet", {"x": "number"}, "UTC")


@pytest.mark.parametrize(
    ("values", "kind", "read", "kept"),
    [
        ([1.5, None, float("nan"), float("inf")], "number", [1.5, None, None, None], [None, None, None, "inf"]),
        (pa.array([0.1], pa.float32()), "number", [float(np.float32(0.1))], []),
        ([1, 2**53 + 1], "integer", [1, 2**53 + 1], []),
        ([1.0, 1.5, None], "integer", [1, None, None], [None, "1.5", None]),
        (["1", "x", ""], "number", [1, None, None], [None, "x", None]),
        ([True, None], "number", [1, None], []),
        ([Decimal("1.50"), Decimal("2.00")], "number", [1.5, 2], []),
        ([True, None], "boolean", [True, None], []),
        ([1, 0, 2], "boolean", [True, False, None], [None, None, "2"]),
        ([25.0, 3.5, float("nan")], "text", ["25", "3.5", None], []),
        ([25, None], "text", ["25", None], []),
        (["NA", ""], "text", ["NA", None], []),
        (pa.array(["a", None, "a"]).dictionary_encode(), "text", ["a", None, "a"], []),
        ([date(2013, 7, 1)], "timestamp", [pd.Timestamp("2013-07-01T04:00Z")], []),
        ([datetime(2013, 7, 1, 5)], "timestamp", [pd.Timestamp("2013-07-01T09:00Z")], []),
        ([datetime(2013, 7, 1, 5, tzinfo=UTC)], "timestamp", [pd.Timestamp("2013-07-01T05:00Z")], []),
        ([2013, None], "timestamp", [pd.Timestamp("2013-01-01T05:00Z"), None], []),
        ([date(2013, 7, 1)], "number", [None], ["2013-07-01"]),
        ([[1, 2], None], "number", [None, None], ["[1, 2]", None]),
        (pa.nulls(2), "integer", [None, None], []),
        ([b"\xff", b"1"], "number", [None, 1], ["b'\\xff'", None]),
    ],
)
def test_the_types_of_a_parquet_file_are_honoured(
    values: Any, kind: ColumnType, read: list[Any], kept: list[Any]
) -> None:
    found = both(parse(parquet(x=values), ".parquet", {"x": kind}, "America/New_York"))
    assert found == (read, kept)


def test_a_column_that_is_twice_in_a_parquet_file_is_refused() -> None:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]), out)
    with pytest.raises(UnreadableBatch, match="columns that are there twice: 'x'"):
        parse(out.getvalue(), ".parquet", {"x": "number"}, "UTC")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_a_number_written_out_is_read_back_to_the_last_bit(values: list[float]) -> None:
    read, kept = column([repr(value) for value in values], "number")
    assert kept == []
    assert np.array_equal(np.array(read), np.array(values))


@cache
def alone(value: str, kind: ColumnType) -> tuple[Any, str | None]:
    read, kept = column([value], kind)
    return read[0], kept[0] if kept else None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["1", "2.50", "x", "", "inf", "true", "2013-01-01", "1e400", "9" * 19]), max_size=8),
    st.sampled_from(["number", "integer", "boolean", "timestamp", "text"]),
)
def test_how_a_value_is_read_does_not_depend_on_its_neighbours(values: list[str], kind: ColumnType) -> None:
    read, kept = column(values, kind)
    assert list(zip(read, kept or [None] * len(read), strict=True)) == [alone(value, kind) for value in values]


def test_thirty_thousand_rows_of_thirty_columns_are_read_as_they_were_written() -> None:
    numbers = np.random.default_rng(0).normal(size=(30_000, 24)).round(3)
    frame = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(24)])
    frame["at"] = pd.date_range("2013-01-01", periods=30_000, freq="min", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    types: dict[str, ColumnType] = {"at": "timestamp"}
    for i in range(5):
        frame[f"t{i}"] = np.where(numbers[:, i] > 0, "late", "early")
        types[f"t{i}"] = "text"
    for i in range(24):
        types[f"x{i}"] = "number"
    out = io.BytesIO()
    arrow_csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), out)
    data = out.getvalue()
    parsed = parse(data, ".csv", types, "UTC")
    assert parsed.unreadable == {}
    assert np.array_equal(parsed.frame["x3"].to_numpy(), numbers[:, 3])


def test_a_decimal_comma_is_read_where_it_is_declared_and_a_point_then_parts_thousands() -> None:
    data = b'a;n\n1.234,5;1.000\n-3,25;7\n1.5;x\n"";\n'
    read = parse(data, ".csv", {"a": "number", "n": "integer"}, "UTC", None, ",")
    assert read.frame["a"].tolist()[:2] == [1234.5, -3.25] and read.frame["n"].tolist()[:2] == [1000, 7]
    assert read.unreadable["a"][2] == "1.5", "the other mark is not misread"
    assert parse(data, ".csv", {"a": "number"}, "UTC").unreadable["a"][0] == "1.234,5"


def test_dates_parted_by_points_are_read_and_by_slashes_are_not() -> None:
    read = parse(b"t\n31.12.2024 18:30\n1.2.2024\n31.02.2024\n01/02/2024\n", ".csv", {"t": "timestamp"}, "UTC")
    assert [str(t) for t in read.frame["t"][:2]] == ["2024-12-31 18:30:00+00:00", "2024-02-01 00:00:00+00:00"]
    assert read.unreadable["t"].tolist()[2:] == ["31.02.2024", "01/02/2024"]
