"""A record that is wrong is refused with every mistake and its fix; a right one becomes typed columns."""

from __future__ import annotations

import json
import math
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.serving.checker import Checker
from perennial.serving.domain import domains_of
from perennial.serving.fields import fields_of
from perennial.serving.request import MOST_MISTAKES, BadField, BadRecords
from perennial.usecase.reading import load_use_case
from tests.world import World

RECORD = {"at": "2024-02-03T10:00:00Z", "price": 12, "weight": 1.5, "carrier": "bike"}


@pytest.fixture
def checker(world: World) -> Checker:
    declaration = load_use_case("shop", world.usecases).declaration
    seen = {"carrier": frozenset({"bike", "van"})}
    return Checker(fields_of(declaration), seen, domains_of(declaration))


def mistakes(checker: Checker, *records: Any) -> list[BadField]:
    with pytest.raises(BadRecords) as refused:
        checker.decode(json.dumps(records).encode())
    return list(refused.value.mistakes)


def test_a_record_becomes_typed_columns(checker: Checker) -> None:
    sent = [RECORD, {**RECORD, "order": "a1", "weight": None, "carrier": "", "returned": 1}]
    checked = checker.decode(json.dumps(sent).encode())
    assert checked.rows == 2 and checked.notes == ()
    columns = {name: list(values) for name, values in checked.columns.items()}
    assert columns["price"] == [12.0, 12.0] and columns["weight"] == [1.5, None]
    assert columns["carrier"] == ["bike", None], "an empty text is missing"
    assert columns["order"] == [None, "a1"], "the key is not needed for a score"
    assert columns["at"] == [datetime(2024, 2, 3, 10, tzinfo=UTC)] * 2
    assert "returned" not in columns, "no model may see the target"


def test_every_mistake_is_reported_at_once_with_its_fix(checker: Checker) -> None:
    first = {"price": "12.5", "weight": [1], "carier": "bike"}
    second = {**RECORD, "price": 900, "carrier": 7, "at": "soon"}
    reported = {(each.row, each.field): each for each in mistakes(checker, first, second, 3)}
    assert {place: each.code for place, each in reported.items()} == {
        (0, "price"): "type",
        (0, "weight"): "type",
        (0, "carrier"): "missing",
        (0, "carier"): "unknown",
        (1, "price"): "not-in-domain",
        (1, "carrier"): "type",
        (1, "at"): "type",
        (2, None): "not-a-record",
    }
    assert reported[0, "price"].fix == "send 12.5, without quotes"
    assert reported[0, "carier"].fix == "did you mean 'carrier'?"
    assert reported[1, "price"].message == "price: 900.0 is not at least 0 and at most 500"
    assert reported[1, "carrier"].fix == 'send "7", in quotes'
    assert all(each.fix for each in reported.values())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(checker: Checker, number: str) -> None:
    body = json.dumps([RECORD]).replace("1.5", number).encode()
    with pytest.raises(BadRecords) as refused:
        checker.decode(body)
    assert [(each.field, each.code) for each in refused.value.mistakes] == [("weight", "not-finite")]
    with pytest.raises(BadRecords):
        checker.check([{**RECORD, "weight": float(number)}])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[", "not-json"),
        (b"\xff\xfe[]", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[]", "no-records"),
        (b'{"price": 1}', "no-records"),
        (b"null", "no-records"),
    ],
)
def test_a_body_that_holds_no_records_is_refused(checker: Checker, body: bytes, code: str) -> None:
    with pytest.raises(BadRecords) as refused:
        checker.decode(body)
    assert [each.code for each in refused.value.mistakes] == [code]


def test_a_category_never_seen_in_training_is_noted_and_scored(checker: Checker) -> None:
    checked = checker.decode(json.dumps([RECORD, {**RECORD, "carrier": "drone"}]).encode())
    assert [(note.row, note.field, note.code, note.value) for note in checked.notes] == [
        (1, "carrier", "unseen-category", "drone")
    ]


def test_a_request_full_of_mistakes_is_answered_with_the_first_ones(checker: Checker) -> None:
    assert len(mistakes(checker, *[{} for _ in range(1000)])) == MOST_MISTAKES


def test_mistakes_go_from_process_to_process_whole(checker: Checker) -> None:
    with pytest.raises(BadRecords) as refused:
        checker.check([{}])
    again = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - our own bytes
    assert (again.mistakes, str(again)) == (refused.value.mistakes, str(refused.value))


def test_a_feature_that_a_batch_may_lack_may_be_missing_from_a_record(world: World) -> None:
    features = {**world.declaration["features"], "missing_column": {"weight": "go_on"}}
    declaration = load_use_case("shop", world.declare(features=features).usecases).declaration
    checked = Checker(fields_of(declaration), {}).check([{"price": 1, "carrier": "bike"}])
    assert list(checked.columns["weight"]) == [None]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(record=st.fixed_dictionaries({}, optional=dict.fromkeys((*RECORD, "order", "odd"), json_values)))
def test_whatever_is_sent_is_either_typed_or_refused_with_reasons(record: dict[str, Any]) -> None:
    checker = _checker()
    try:
        checked = checker.decode(json.dumps([record]).encode())
    except BadRecords as refused:
        assert refused.mistakes and all(each.message and each.fix for each in refused.mistakes)
        return
    assert set(RECORD) - {"at"} <= set(record)
    for name in ("price", "weight"):
        value = checked.columns[name][0]
        assert value is None or math.isfinite(value)
    assert checked.columns["carrier"][0] == (record["carrier"] or None)


def _checker() -> Checker:
    from perennial.serving.fields import Field, Fields

    kinds = {"order": "text", "at": "timestamp", "price": "number", "weight": "number", "carrier": "text"}
    fields = tuple(
        Field(name, kind, name in ("price", "weight", "carrier"))  # type: ignore[arg-type]
        for name, kind in kinds.items()
    )
    return Checker(Fields(fields, frozenset(), "UTC"), {})
