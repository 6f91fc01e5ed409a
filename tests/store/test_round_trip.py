"""The content of a file is stored and read back: every value that parsing accepts, from CSV and from Parquet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennial.content import digest_rows
from perennial.intake.frames import accepted_table
from perennial.intake.naming import content_digest
from perennial.local_time import FIRST, LAST
from perennial.our_columns import LABEL_KNOWN_AT, is_ours
from perennial.sources.column_type import ColumnType
from perennial.sources.parsing import Parsed, parse
from perennial.store.rows import frame_of
from perennial.store.tables import Tables
from perennial.usecase.reading import load_use_case
from tests.extent import part_of
from tests.world import World

ZONES = ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Apia"]
KEY, TIME = "order", "at"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
NUMBERS = count()


@dataclass(frozen=True)
class Kind:
    """Values of one sort: how Parquet holds them, how CSV spells them, and as what they are declared."""

    declared: ColumnType
    arrow: pa.DataType
    values: st.SearchStrategy[Any]
    spelled: Callable[[Any], str] = str


UNICODE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
INT64 = st.integers(-(2**63), 2**63 - 1) | st.integers(2**53 - 2, 2**53 + 2)
LOCAL = st.datetimes() | st.sampled_from([datetime.min, datetime.max, datetime(9999, 12, 31), datetime(1, 1, 1)])
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
AWARE = st.datetimes(timezones=OFFSETS) | st.sampled_from([datetime.min, datetime.max]).flatmap(
    lambda end: OFFSETS.map(lambda offset: end.replace(tzinfo=offset))
)
KINDS = [
    Kind("number", pa.float64(), st.floats() | st.sampled_from([-0.0, 5e-324, 2.0**53, 1e22]), repr),
    Kind("number", pa.int64(), INT64),
    Kind("number", pa.uint64(), st.integers(0, 2**64 - 1)),
    Kind("number", pa.decimal128(38, 0), st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal)),
    Kind("number", pa.decimal128(38, 12), st.decimals(-(10**20), 10**20, places=12), lambda each: f"{each:f}"),
    Kind("integer", pa.int64(), INT64),
    Kind("integer", pa.uint64(), st.integers(0, 2**64 - 1)),
    Kind("boolean", pa.bool_(), st.booleans(), lambda each: str(each).lower()),
    Kind("timestamp", pa.timestamp("us"), LOCAL, datetime.isoformat),
    Kind("timestamp", pa.timestamp("us", "UTC"), AWARE, datetime.isoformat),
    Kind("timestamp", pa.date32(), st.dates(), str),
    Kind("text", pa.string(), st.text(UNICODE.filter(lambda each: each != "\r"), max_size=6)),
    Kind("text", pa.int64(), INT64),
    Kind("text", pa.decimal128(38, 0), st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal)),
]
names = st.text(UNICODE.filter(lambda each: each not in "\r\n"), min_size=1, max_size=6)


@st.composite
def tables_of(draw: st.DrawFn) -> list[tuple[str, Kind, list[Any]]]:
    """A few columns under any names, each of one kind, null here and there."""
    rows = draw(st.integers(1, 6))
    columns = draw(st.dictionaries(names, st.sampled_from(KINDS), min_size=1, max_size=4))
    seen = {KEY, TIME}
    found = []
    for name, kind in columns.items():
        if name.casefold() in seen or is_ours(name):
            continue
        seen.add(name.casefold())
        found.append((name, kind, draw(st.lists(st.none() | kind.values, min_size=rows, max_size=rows))))
    order = [f"k{place}" for place in draw(st.permutations(range(rows)))]
    times = [datetime(2024, 1, 1)] * rows
    return [
        (KEY, Kind("text", pa.string(), st.nothing()), order),
        (TIME, Kind("timestamp", pa.timestamp("us"), st.nothing(), datetime.isoformat), times),
        *found,
    ]


Columns = list[tuple[str, Kind, list[Any]]]


def as_csv(columns: Columns) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NOTNULL if hasattr(csv, "QUOTE_NOTNULL") else csv.QUOTE_ALL)
    writer.writerow([name for name, _, _ in columns])
    spelled = [[None if each is None else kind.spelled(each) for each in values] for _, kind, values in columns]
    writer.writerows(zip(*spelled, strict=True))
    return out.getvalue().encode()


def as_parquet(columns: Columns) -> bytes:
    out = io.BytesIO()
    table = pa.table([pa.array(values, kind.arrow) for _, kind, values in columns], [name for name, _, _ in columns])
    pq.write_table(table, out)
    return out.getvalue()


def read(data: bytes, suffix: Literal[".csv", ".parquet"], columns: Columns, timezone: str) -> Parsed:
    return parse(data, suffix, {name: kind.declared for name, kind, _ in columns}, timezone)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Tables(str(tmp_path_factory.mktemp("tables")))


@pytest.fixture
def stored(tables: Tables, world: World) -> Callable[[Parsed, Columns], pd.DataFrame]:
    """A batch as it is read back from a separate table."""
    declaration = load_use_case("shop", world.usecases).declaration

    def written_and_read(parsed: Parsed, columns: Columns) -> pd.DataFrame:
        types = {name: kind.declared for name, kind, _ in columns}
        usecase = f"u{next(NUMBERS)}"
        tables.append(usecase, "accepted", accepted_table(parsed.frame, declaration, types, "b", NOW), "b")
        found = tables.read(usecase, "accepted", ["b"])
        assert found is not None
        return frame_of(found.select(list(types)))

    return written_and_read


@settings(max_examples=part_of(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=tables_of(), timezone=st.sampled_from(ZONES))
def test_parsed_stored_and_read_is_the_same_content_from_both_formats(
    stored: Callable[[Parsed, Columns], pd.DataFrame], columns: Columns, timezone: str
) -> None:
    from_csv, from_parquet = (
        read(as_csv(columns), ".csv", columns, timezone),
        read(as_parquet(columns), ".parquet", columns, timezone),
    )
    assert content_digest(from_csv, (KEY,)) == content_digest(from_parquet, (KEY,))
    content = digest_rows(from_csv.frame, [KEY])
    for parsed in (from_csv, from_parquet):
        assert digest_rows(stored(parsed, columns), [KEY]) == content


@settings(max_examples=part_of(40))
@given(columns=tables_of())
def test_every_value_is_read_as_exactly_what_was_written(columns: Columns) -> None:
    for parsed in (
        read(as_csv(columns), ".csv", columns, "UTC"),
        read(as_parquet(columns), ".parquet", columns, "UTC"),
    ):
        for name, kind, values in columns:
            for value, found in zip(values, parsed.frame[name], strict=True):
                assert_read(kind, value, None if pd.isna(found) else found)


def assert_read(kind: Kind, value: Any, found: Any) -> None:
    if kind.declared == "integer":
        assert found == (value if value is not None and -(2**63) <= value < 2**63 else None)
    elif kind.declared == "boolean" or value is None:
        assert found == value
    elif kind.declared == "number":
        assert found == (float(value) if math.isfinite(value) else None)
    elif kind.declared == "text":
        assert found == (str(value) or None)
    else:
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        assert found == as_instant(moment)


def as_instant(moment: datetime) -> datetime:
    """In UTC; a moment that UTC has no day for is the calendar's end."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST


@pytest.mark.parametrize("timezone", ZONES)
def test_a_labels_moment_never_lies_beyond_the_calendar(timezone: str, world: World) -> None:
    declaration = load_use_case("shop", world.usecases).declaration
    types: dict[str, ColumnType] = {KEY: "text", TIME: "timestamp"}
    data = f"{KEY},{TIME}\n1,9999-12-31T23:59:59\n2,0001-01-01\n3,2024-01-01T00:00:00Z\n".encode()
    table = accepted_table(parse(data, ".csv", types, timezone).frame, declaration, types, "b", NOW)
    last, first, usual = table[LABEL_KNOWN_AT].to_pylist()
    assert last == LAST
    assert first < datetime(1, 1, 4, tzinfo=UTC)
    assert usual == datetime(2024, 1, 2, tzinfo=UTC)
