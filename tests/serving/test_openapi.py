"""What the description of the service allows is what its checker takes, for every JSON value."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from perennial.serving.answering import asked_in
from perennial.serving.checker import Checker
from perennial.serving.fields import Field, Fields
from perennial.serving.openapi import body_schema, field_schema
from perennial.serving.request import BadRecords
from perennial.serving.values import LARGEST, Unreadable, reader
from perennial.sources.column_type import ColumnType

ZONE = "America/New_York"
KINDS: tuple[ColumnType, ...] = get_args(ColumnType)
FIELDS = Fields(tuple(Field(kind, kind, kind == "number") for kind in KINDS), frozenset({"hidden"}), ZONE)
ENDS = [2**53, 2**63 - 1, 2**63, 2**64, 10**30, 17976931348623157 * 10**292, LARGEST, LARGEST + 1, 2**1024, 10**400]
TIMES = [
    *("2013", "2013-05", "2013-05-06", "20130506", "2013-05-06 07", "2013-05-06T07:08:09,25", "2013-05-06 07:08 UTC"),
    *("2013-03-10 02:30", "2013-02-30", "2013-05-06T07:08:09+0530", "0000-01-01T00:00:00Z", "2013-05-06T07:08:60Z"),
    *("2013-05-06t07:08:09Z", "2013-05-06T07:08:09.1234567890Z", "31.12.2024 18:30", "tuesday, 1st january 2013"),
    *("Jan. 3, 2024", " 2013\n", "soon"),
]
numbers = st.sampled_from([*ENDS, *(-each for each in ENDS)]).flatmap(lambda each: st.sampled_from(_near(each)))
dates = st.datetimes().map(lambda each: each.isoformat(sep="T"))
zones = st.from_regex(r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])", fullmatch=True)
rfc3339 = st.builds("{:04}{}{}{}".format, st.integers(1, 9999), st.datetimes().map(lambda at: f"{at:-%m-%dT%H:%M:%S}"),
                    st.just("") | st.from_regex(r"\.[0-9]{1,12}", fullmatch=True), zones)  # fmt: skip
texts = st.text() | st.sampled_from(TIMES) | rfc3339 | rfc3339.map(str.lower) | dates
scalars = st.none() | st.booleans() | st.integers() | st.integers(-2, 2).map(float) | numbers | texts
scalars |= st.floats(allow_nan=False, allow_infinity=False)


def _near(end: int) -> list[int | float]:
    """A bound, its neighbours, and the float next to it."""
    return [end, end - 1, end + 1, *([float(end)] if abs(end) < 2**1024 - 2**970 else [])]


def _is_read(kind: ColumnType, value: Any) -> bool:
    try:
        reader(kind, ZONE)(value)
    except Unreadable:
        return False
    return True


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "timestamp"])
@given(value=scalars.filter(lambda value: value is not None))
def test_a_field_takes_what_its_description_allows_and_nothing_else(kind: ColumnType, value: Any) -> None:
    assert Draft202012Validator(field_schema(kind, ZONE)).is_valid(value) == _is_read(kind, value)


@given(value=scalars.filter(lambda value: value is not None))
def test_a_time_that_the_description_allows_is_read_and_one_that_it_excludes_is_not(value: Any) -> None:
    schema, checked = field_schema("timestamp", ZONE), Draft202012Validator.FORMAT_CHECKER
    if Draft202012Validator(schema, format_checker=checked).is_valid(value):
        assert _is_read("timestamp", value)
    if not Draft202012Validator(schema).is_valid(value):
        assert not _is_read("timestamp", value)


def test_times_of_rfc_3339_are_allowed_by_the_description() -> None:
    validator = Draft202012Validator(
        field_schema("timestamp", ZONE), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for text in ("2013-05-06T07:08:09Z", "2013-05-06T07:08:09.123456+05:30", "9999-12-31T23:59:59-12:00"):
        assert validator.is_valid(text)


values = scalars | st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(max_size=2), st.none(), max_size=1)
others = st.dictionaries(st.sampled_from(("hidden", "odd", "Number")), values, max_size=1)
usual = st.fixed_dictionaries({"number": st.just(1.5)}, optional={"text": st.text(), "boolean": st.booleans()})
record = st.builds(dict.__or__, usual | st.dictionaries(st.sampled_from(KINDS), values, max_size=3), others)
bodies = record | st.lists(record | values, max_size=3) | values


@given(body=bodies)
def test_a_body_is_taken_if_the_description_allows_it(body: Any) -> None:
    checker, sent = Checker(FIELDS, {}), json.dumps(body).encode()
    validator = Draft202012Validator(body_schema(FIELDS))
    try:
        asked = asked_in(sent, checker)
    except BadRecords as refused:
        codes = {each.code for each in refused.mistakes}
        times = {each.field for each in refused.mistakes} == {"timestamp"}
        assert times or codes == {"not-json"} or not validator.is_valid(body)
        return
    assert validator.is_valid(body)
    assert len(asked.received) == asked.checked.rows
    assert all(isinstance(msgspec.json.decode(each), dict) for each in asked.received), "the log can be read"


@pytest.mark.parametrize(
    "body",
    [
        b'[{"number":1,"hidden":NaN}]',
        b'{"number":1,"hidden":NaN}',
        b'{"number":1,"hidden":1e400}',
        b'{"number":1,"text":"\\ud800"}',
        b'[{"number":1,"text":"\\ud800"}]',
        b'{"number":1},{"number":2}',
        '[{"number":1}]'.encode("utf-16"),
        '[{"number":1}]'.encode("utf-8-sig"),
    ],
)
def test_a_body_that_only_some_programs_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadRecords) as refused:
        asked_in(body, Checker(FIELDS, {}))
    assert [each.code for each in refused.value.mistakes] == ["not-json"]


def test_of_two_fields_of_one_name_the_last_counts_in_the_score_and_in_the_log() -> None:
    for number in ("true,", "7,"):
        asked = asked_in(f'{{"number":{number}"number":2}}'.encode(), Checker(FIELDS, {}))
        assert list(asked.checked.columns["number"]) == [2.0]
        assert msgspec.json.decode(asked.received[0]) == {"number": 2}
