"""A frame's digest is that of its values: of all of them, and of nothing but them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perennial.content import digest_rows
from perennial.content_in_parts import digest_parts
from tests.extent import part_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
INT64 = st.integers(-(2**63), 2**63 - 1) | st.integers(2**53 - 3, 2**53 + 3)
CELLS = {
    "number": st.none() | st.floats(allow_nan=False),
    "text": st.none() | TEXT,
    "count": st.none() | INT64,
    "huge": st.none() | st.integers(-(10**38) + 1, 10**38 - 1),
    "price": st.none() | st.decimals(-(10**20), 10**20, places=12),
    "flag": st.none() | st.booleans(),
    "at": st.none() | st.datetimes(),
    "bytes": st.none() | st.binary(max_size=4),
}
TYPES = {
    "number": pa.float64(),
    "text": pa.string(),
    "count": pa.int64(),
    "huge": pa.decimal128(38, 0),
    "price": pa.decimal128(38, 12),
    "flag": pa.bool_(),
    "at": pa.timestamp("us", tz="UTC"),
    "bytes": pa.binary(),
}
cells = st.fixed_dictionaries(CELLS)
frames = st.lists(cells, min_size=1, max_size=12)


def arrow(rows: list[dict[str, object]], first: int = 0) -> pa.Table:
    """Rows as an Arrow table with the key column `id`."""
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in TYPES.items()})
    return table.append_column("id", pa.array(range(first, first + len(rows)), pa.int64()))


def frame_of(table: pa.Table) -> pd.DataFrame:
    """As pandas, in types that keep nulls."""
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)


def digest(table: pa.Table, key: str = "id") -> str:
    return digest_rows(frame_of(table), [key])


def of(values: object) -> str:
    """The digest of one column."""
    return digest_rows(pd.DataFrame({"x": values}), ["x"])


@settings(max_examples=part_of(50))
@given(rows=frames, cut=st.integers(0, 12), seed=st.integers(0, 2**32 - 1), key=st.sampled_from(["id", "flag", "text"]))
def test_row_order_column_order_and_chunks_do_not_matter(
    rows: list[dict[str, object]], cut: int, seed: int, key: str
) -> None:
    whole = arrow(rows)
    cut = min(cut, len(rows))
    chunked = pa.concat_tables([arrow(rows[:cut]), arrow(rows[cut:], first=cut)])
    assert digest(chunked, key) == digest(whole, key)
    shuffled = whole.take(np.random.default_rng(seed).permutation(len(rows)))
    assert digest(shuffled.select(sorted(shuffled.column_names)), key) == digest(whole, key), (
        "also where the key is not unique"
    )


@settings(max_examples=part_of(50))
@given(rows=frames, part=st.integers(1, 12), key=st.sampled_from(["id", "text", "count"]))
def test_part_by_part_it_is_that_of_all_rows_where_these_are_in_order(
    rows: list[dict[str, object]], part: int, key: str
) -> None:
    whole = arrow(rows)

    def parts(name: str) -> Iterator[pd.Series]:
        return (frame_of(whole.slice(at, part))[name] for at in range(0, len(rows), part))

    columns = {("rows", name): partial(parts, name) for name in whole.column_names}
    keys: list[Any] = [row[key] for row in rows] if key != "id" else [*range(len(rows))]
    assume(None not in keys)  # a key always has a value
    found = digest_parts(len(rows), columns, [key])
    assert found == (digest(whole, key) if keys == sorted({*keys}) else None)


@settings(max_examples=part_of(50))
@given(rows=frames, place=st.integers(0, 11), other=cells, column=st.sampled_from(sorted(TYPES)))
def test_any_other_value_matters(
    rows: list[dict[str, object]], place: int, other: dict[str, object], column: str
) -> None:
    place %= len(rows)
    assume(rows[place][column] != other[column])
    changed = [{**row, column: other[column]} if number == place else row for number, row in enumerate(rows)]
    assert digest(arrow(changed)) != digest(arrow(rows))


@settings(max_examples=part_of(50))
@given(rows=frames)
def test_a_missing_or_an_added_row_matters(rows: list[dict[str, object]]) -> None:
    assert digest(arrow(rows[:-1])) != digest(arrow(rows))


@given(values=st.lists(st.none() | INT64, min_size=1, max_size=6))
def test_equal_numbers_are_one_content_whatever_type_holds_them(values: list[int | None]) -> None:
    spellings = [
        pd.array(values, dtype="Int64"),
        pd.Series(values, dtype="object"),
        pd.Series([None if each is None else Decimal(each) for each in values], dtype="object"),
    ]
    if all(each is None or int(float(each)) == each for each in values):
        spellings.append(pd.Series([np.nan if each is None else float(each) for each in values]))
    if all(each is None or each >= 0 for each in values):
        spellings.append(pd.array(values, dtype="UInt64"))
    assert len({of(each) for each in spellings}) == 1


@given(one=st.integers(-(2**80), 2**80), other=st.integers(-(2**80), 2**80) | st.integers(-2, 2))
def test_whole_numbers_that_differ_are_other_content_at_any_size(one: int, other: int) -> None:
    other = one + other if abs(other) <= 2 else other
    assert (of(pd.Series([one], dtype="object")) == of(pd.Series([other], dtype="object"))) == (one == other)


@pytest.mark.parametrize(
    "alike",
    [
        [pd.Series([0.0]), pd.Series([-0.0]), pd.Series([0]), pd.Series([False]), pd.Series([Decimal("-0.00")])],
        [pd.Series([0.5]), pd.Series([0.5], dtype="float32"), pd.Series([Decimal("0.50")])],
        [pd.Series([None, 1.0]), pd.Series([np.nan, 1.0]), pd.array([pd.NA, 1], dtype="Int64")],
        [pd.Series(["a", None], dtype=kind) for kind in ("str", "object", "category")],
        [pd.Series([None, None], dtype=kind) for kind in ("float64", "str", "datetime64[us, UTC]", "boolean", "Int64")],
        [pd.Series([date(1, 1, 1)]), pd.Series([datetime(1, 1, 1, tzinfo=UTC)]), pd.Series([datetime(1, 1, 1)])],
    ],
)
def test_one_value_in_several_types_is_one_content(alike: list[object]) -> None:
    assert len({of(each) for each in alike}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0.1], [Decimal("0.1")]),
        ([np.inf], [-np.inf]),
        ([np.inf], [np.nan]),
        ([1.0], ["1"]),
        (["a"], [b"a"]),
        (["é"], ["e\u0301"]),
        (["a", "bc"], ["ab", "c"]),
        ([""], [None]),
        ([0.0], [None]),
        ([b""], [None]),
        ([datetime(9999, 12, 31)], [datetime(9999, 12, 31, microsecond=1)]),
        ([datetime(1970, 1, 1)], [0]),
    ],
)
def test_what_differs_is_other_content(one: list[object], other: list[object]) -> None:
    assert of(pd.Series(one, dtype="object")) != of(pd.Series(other, dtype="object"))


@given(moment=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), hours=st.integers(-23, 23))
def test_the_same_moment_in_another_zone_and_unit_is_the_same(moment: datetime, hours: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    there = pd.Series([moment]).astype("datetime64[us, UTC]")
    here = pd.Series([moment.astimezone(timezone(timedelta(hours=hours)))], dtype="object")
    assert of(there) == of(here) == of(there.dt.as_unit("ms")) == of(there.dt.as_unit("s"))


def test_columns_beside_the_rows_are_apart_from_those_of_the_rows() -> None:
    rows, texts = pd.DataFrame({"id": [1, 2], "x": ["a", None]}), pd.Series([None, "b"])
    assert digest_rows(rows, ["id"], {"x": texts}) == digest_rows(rows[::-1], ["id"], {"x": texts[::-1]})
    assert digest_rows(rows, ["id"], {"x": texts}) != digest_rows(rows.assign(x=texts), ["id"], {"x": rows["x"]})


def test_column_names_do_not_run_into_each_other() -> None:
    assert digest_rows(pd.DataFrame({"a": [1], "b|c": [2]}), ["a"]) != digest_rows(
        pd.DataFrame({"a|b": [1], "c": [2]}), ["c"]
    )


def test_a_column_of_lists_has_no_digest() -> None:
    with pytest.raises(TypeError, match="column 'x' holds list"):
        digest_rows(pd.DataFrame({"id": [1], "x": [[1, 2]]}), ["id"])
