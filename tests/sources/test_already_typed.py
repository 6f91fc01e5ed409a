"""Typed columns of Parquet are read as if each value had been written as text and read back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perennial.content import digest_rows
from perennial.sources.already_typed import already_typed
from perennial.sources.column_type import ColumnType
from perennial.sources.typed_column import ReadColumn, by_text, read_column
from perennial.sources.written import Written

ZONES = ["UTC", "America/New_York", "Pacific/Apia"]
KINDS: list[ColumnType] = ["number", "integer", "boolean", "timestamp", "text"]
NULLS = ["-999", "0", "-0.5", "1e22", "N/A", "-999.0", "007", "9007199254740993", "2024-01-01", "true", "a"]
SPECIAL = [-999, 0, 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(SPECIAL)
FLOATS = st.floats() | st.sampled_from([-999.0, -0.0, -0.5, 5e-324, 2.0**53, -(2.0**53), 1e22, 2.0**63, 1.5])
EPOCHS = st.integers(-(10**11), 4 * 10**11)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    largest = 10**precision - 1
    near = [0, 1, -1, 2**53, 2**53 - 1, 2**53 + 1, -(2**53) - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 + 5, 10**scale]
    whole = st.integers(-largest, largest) | st.sampled_from([each for each in near if abs(each) <= largest])
    return whole.map(lambda each: Decimal(f"{each}E-{scale}"))  # exact, however many digits


def times(unit: str, zone: str | None) -> tuple[pa.DataType, st.SearchStrategy[int]]:
    day = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    most = min(2**63 - 1, 2_932_898 * day)
    ends = st.sampled_from([-719_163 * day, -719_162 * day, 2_932_896 * day, 2_932_897 * day - 1]).filter(
        lambda each: abs(each) < 2**63
    )
    # An hour that New York skips and one that it repeats.
    hours = st.sampled_from([1_710_037_800 * day // 86_400, 1_730_597_400 * day // 86_400])
    return pa.timestamp(unit, zone), st.integers(-most, most) | ends | hours | st.integers(0, 20_000 * day)


COLUMNS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.float64(), FLOATS),
    (pa.float32(), st.floats(width=32)),
    (pa.float16(), st.floats(width=16)),
    (pa.int64(), INT64 | EPOCHS),
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint32(), st.integers(0, 2**32 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1) | st.integers(0, 3)),
    (pa.bool_(), st.booleans()),
    (pa.decimal128(9, 2), decimals(9, 2)),
    (pa.decimal128(18, 4), decimals(18, 4)),
    (pa.decimal128(38, 0), decimals(38, 0)),
    (pa.decimal128(38, 22), decimals(38, 22)),
    (pa.decimal128(38, 30), decimals(38, 30)),
    (pa.decimal256(60, 5), decimals(60, 5)),
    (pa.date32(), st.integers(-800_000, 3_000_000)),
    (pa.date64(), st.integers(-800_000, 3_000_000).map(lambda days: days * 86_400_000)),
    *(times(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "America/New_York")),
    (pa.string(), st.sampled_from([*NULLS, "", " a ", "NA", "nan", "yes", "1.0", "2024-01-01 05:00", "€"]) | st.text()),
    (pa.large_string(), st.sampled_from([*NULLS, "", " N/A "])),
    (pa.binary(), st.binary(max_size=3)),
    (pa.null(), st.none()),
]


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    """A few values of one type, null here and there, perhaps sliced, perhaps as a dictionary."""
    kind, values = draw(st.sampled_from(COLUMNS))
    drawn = draw(st.lists(st.none() | values, max_size=8))
    if pa.types.is_timestamp(kind) or pa.types.is_date64(kind):
        column = pa.array(drawn, pa.int64()).cast(kind)
    elif pa.types.is_date32(kind):
        column = pa.array(drawn, pa.int32()).cast(kind)
    else:
        column = pa.array(drawn, kind)
    column = column.slice(draw(st.integers(0, 2)))
    plain = not (pa.types.is_float16(kind) or pa.types.is_null(kind))
    return column.dictionary_encode() if plain and draw(st.booleans()) else column


hows = st.builds(
    Written,
    nulls=st.lists(st.sampled_from(NULLS), max_size=2).map(tuple),
    epoch=st.sampled_from([None, "s", "ms", "us", "ns"]),
    truths=st.sampled_from([None, None, ("1", "0"), ("true", "false"), ("a", "007")]),
)


def content(column: ReadColumn) -> tuple[Any, ...]:
    """What is stored and digested of a column: values, reasons, what is inexact, and the digest."""
    bad = pa.nulls(len(column.values), pa.string()) if column.bad is None else column.bad
    inexact = pa.nulls(len(column.values), pa.string()) if column.inexact is None else column.inexact
    beside = {"bad": bad.to_pandas(), "inexact": inexact.to_pandas()}
    frame = pd.DataFrame({"x": column.values.to_pandas()})
    return (
        column.values.type,
        column.values.to_pylist(),
        bad.to_pylist(),
        inexact.to_pylist(),
        digest_rows(frame, [], beside),
    )


@settings(max_examples=200, deadline=None)
@given(column=columns(), kind=st.sampled_from(KINDS), timezone=st.sampled_from(ZONES), how=hows)
@example(pa.array([-0.0, 0.0, 1.5, float("inf"), None]), "number", "UTC", Written())
@example(pa.array([2**53 + 1, None, -(2**63)]), "number", "UTC", Written())
@example(pa.array([-0.0, 0.0, 1.0]), "number", "UTC", Written(nulls=("0",)))
def test_typed_values_are_read_as_their_texts_are(
    column: pa.Array, kind: ColumnType, timezone: str, how: Written
) -> None:
    assert content(read_column(column, kind, timezone, how)) == content(by_text(column, kind, timezone, how))


@pytest.mark.parametrize(
    ("column", "kind", "how"),
    [
        (pa.array([1.0, None, 2.5]), "number", Written()),
        (pa.array([1.0, None, -999.0]), "number", Written(nulls=("-999",))),
        (pa.array([1.0, None, 3.0]), "integer", Written()),
        (pa.array([1, None, 3]), "integer", Written()),
        (pa.array([True, None]), "boolean", Written()),
        (pa.array([Decimal("1.25"), None]), "number", Written()),
        (pa.array([1_700_000_000_000, None]), "timestamp", Written(epoch="ms")),
        (pa.array([0, None], pa.timestamp("ns")), "timestamp", Written()),
        (pa.array([0, None], pa.date32()), "timestamp", Written()),
        (pa.array(["a", None]), "text", Written()),
    ],
)
def test_ordinary_columns_are_never_written_as_text(column: pa.Array, kind: ColumnType, how: Written) -> None:
    typed = already_typed(column, kind, "UTC", how)
    assert typed is not None
    assert typed.sure.to_pylist() == [True] * len(column)


def test_only_values_that_need_it_are_read_from_their_text() -> None:
    column = pa.array([1.0, 1.5, float("inf"), float("nan"), 2.0])
    typed = already_typed(column, "integer", "UTC", Written())
    assert typed is not None
    assert typed.sure.to_pylist() == [True, False, False, True, True]
    read = read_column(column, "integer", "UTC", Written())
    assert read.values.to_pylist() == [1, None, None, None, 2]
    assert read.bad is not None
    assert read.bad.to_pylist() == [None, "1.5", "inf", None, None]
