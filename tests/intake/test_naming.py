"""A batch is its source, window, revision and content: the same comes once, other content is a revision."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from perennial.intake.naming import content_digest, end_of, name_batch
from perennial.local_time import LAST
from perennial.sources.column_type import ColumnType
from perennial.sources.parsing import Parsed, parse
from perennial.sources.window import Window
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import load_use_case
from tests.ledger.payloads import batch
from tests.world import World


@pytest.fixture
def declaration(world: World, tmp_path: Path) -> Declaration:
    return load_use_case("shop", world.usecases).declaration


def test_a_first_batch_is_revision_1_and_is_named_by_its_content(declaration: Declaration) -> None:
    named = name_batch(declaration, "2024-01", "content", None)
    assert named.revision == 1
    assert name_batch(declaration, "2024-01", "content", None) == named, "a retry names it alike"
    for window, digest in (("2024-02", "content"), ("2024-01", "other")):
        other = name_batch(declaration, window, digest, None)
        assert other.batch != named.batch


def test_other_content_is_the_next_revision(declaration: Declaration) -> None:
    second = batch("2024-01", digest="b", revision=2)
    assert name_batch(declaration, "2024-01", "c", second).revision == 3


def test_a_waived_check_makes_another_batch(declaration: Declaration) -> None:
    first = batch("2024-01", digest="a")
    plain, waived = (name_batch(declaration, "2024-01", "a", first, checks) for checks in ((), ("price",)))
    assert plain.batch != waived.batch, "rows written before a crash are not taken for those of another wish"


def test_a_text_that_no_type_could_read_is_part_of_the_content() -> None:
    frame = pd.DataFrame({"order": ["a", "b"], "price": [1.0, None]})
    digests = {
        content_digest(Parsed(frame, {"price": pd.Series([None, text], dtype="object")}, (), ()), ("order",))
        for text in ("cheap", "dear", None)
    }
    assert len(digests) == 3


def test_the_order_of_rows_and_columns_is_not(declaration: Declaration) -> None:
    frame = pd.DataFrame({"order": ["a", "b"], "price": [1.0, 2.0]})
    turned = frame.iloc[::-1][["price", "order"]]
    assert content_digest(Parsed(frame, {}, (), ()), ("order",)) == content_digest(
        Parsed(turned, {}, (), ()), ("order",)
    )


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("number", "9007199254740993", "9007199254740992"),
        ("number", "123456789012345678901234567890", "123456789012345678901234567891"),
        ("number", "0.12345678901234567891", "0.12345678901234567892"),
        ("integer", "9007199254740993", "9007199254740992"),
        ("text", "9007199254740993", "9007199254740992"),
        ("timestamp", "2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456788Z"),
        ("timestamp", "9999-12-31T23:59:59", "9999-12-31T23:59:58"),
        ("timestamp", "0001-01-01T00:00:00", "0001-01-01T00:00:01"),
    ],
)
@pytest.mark.parametrize("timezone", ["America/New_York", "Asia/Tokyo"])
def test_values_that_differ_are_other_content_even_if_their_type_cannot_distinguish_them(
    kind: ColumnType, one: str, other: str, timezone: str
) -> None:
    digests = {
        content_digest(parse(f"order,x\n1,{x}\n".encode(), ".csv", {"order": "text", "x": kind}, timezone), ("order",))
        for x in (one, other)
    }
    assert len(digests) == 2


def test_a_number_is_the_same_content_however_it_is_written() -> None:
    for alike in (["0.1", "0.10", "0.10000000000000001", "1e-1"], ["1", "1.0", "+1", "1e0", "true"], ["-0.0", "0"]):
        digests = {
            content_digest(parse(f"n,x\n1,{x}\n".encode(), ".csv", {"n": "text", "x": "number"}, "UTC"), ("n",))
            for x in alike
        }
        assert len(digests) == 1, alike


def test_a_file_whose_events_end_with_the_calendar_ends_with_it_too(declaration: Declaration) -> None:
    schema = declaration.schema_
    for year in (1, 9999):
        times = pd.Series([datetime(year, 12, 31, 23, tzinfo=UTC)]).astype("datetime64[us, UTC]")
        end = end_of(Window(None, None, "x"), 1, [times], schema)
        assert times[0] < end <= LAST
