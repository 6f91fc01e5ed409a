"""A frame's digest is that of what it says, whatever its layout."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import assume, given
from hypothesis import strategies as st

from perennial.identity import digest_rows

cells = st.fixed_dictionaries(
    {
        "number": st.none() | st.floats(allow_nan=False),
        "text": st.none() | st.text(max_size=5),
        "count": st.none() | st.integers(-(2**40), 2**40),
        "flag": st.none() | st.booleans(),
        "at": st.none() | st.datetimes(pd.Timestamp("1980-01-01"), pd.Timestamp("2100-01-01")),
    }
)
frames = st.lists(cells, min_size=1, max_size=12)
TYPES = {
    "number": pa.float64(),
    "text": pa.string(),
    "count": pa.int64(),
    "flag": pa.bool_(),
    "at": pa.timestamp("us", tz="UTC"),
}


def arrow(rows: list[dict[str, object]], first: int = 0) -> pa.Table:
    """Rows as an Arrow table with the key column `id`."""
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in TYPES.items()})
    return table.append_column("id", pa.array(range(first, first + len(rows)), pa.int64()))


def frame_of(table: pa.Table) -> pd.DataFrame:
    """As pandas, in types that keep nulls."""
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)


def digest(table: pa.Table) -> str:
    return digest_rows(frame_of(table), ["id"])


@given(rows=frames, cut=st.integers(0, 12), seed=st.integers(0, 2**32 - 1))
def test_row_order_column_order_and_chunks_do_not_matter(rows: list[dict[str, object]], cut: int, seed: int) -> None:
    whole = arrow(rows)
    cut = min(cut, len(rows))
    chunked = pa.concat_tables([arrow(rows[:cut]), arrow(rows[cut:], first=cut)])
    assert digest(chunked) == digest(whole)
    shuffled = whole.take(np.random.default_rng(seed).permutation(len(rows)))
    assert digest(shuffled.select(sorted(shuffled.column_names))) == digest(whole)


@given(rows=frames, place=st.integers(0, 11), other=cells, column=st.sampled_from(sorted(TYPES)))
def test_any_other_value_matters(
    rows: list[dict[str, object]], place: int, other: dict[str, object], column: str
) -> None:
    place %= len(rows)
    assume(rows[place][column] != other[column])
    changed = [{**row, column: other[column]} if number == place else row for number, row in enumerate(rows)]
    assert digest(arrow(changed)) != digest(arrow(rows))


@given(rows=frames)
def test_a_missing_or_an_added_row_matters(rows: list[dict[str, object]]) -> None:
    assert digest(arrow(rows[:-1])) != digest(arrow(rows))


def test_texts_do_not_run_into_each_other() -> None:
    one = pd.DataFrame({"id": [1, 2], "text": ["ab", "c"]})
    two = pd.DataFrame({"id": [1, 2], "text": ["a", "bc"]})
    assert digest_rows(one, ["id"]) != digest_rows(two, ["id"])


def test_an_empty_text_is_no_null_and_a_nought_is_none_either() -> None:
    texts = [pd.DataFrame({"id": [1], "text": pd.array([value], dtype="str")}) for value in ("", None)]
    numbers = [pd.DataFrame({"id": [1], "number": [value]}) for value in (0.0, np.nan)]
    for one, two in (texts, numbers):
        assert digest_rows(one, ["id"]) != digest_rows(two, ["id"])


def test_the_same_moment_in_another_zone_and_unit_is_the_same() -> None:
    there = pd.DataFrame({"id": [1], "at": pd.to_datetime(["2024-01-01T12:00Z"], utc=True)})
    here = there.assign(at=there["at"].dt.tz_convert("America/New_York").dt.as_unit("ms"))
    assert digest_rows(there, ["id"]) == digest_rows(here, ["id"])
