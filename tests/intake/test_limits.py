"""Limits on rows set aside: what counts, what does not, and what a person reads."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.intake.limits import LIMITS, copy_of, examples_of, exceeded
from perennial.sources.column_type import ColumnType
from perennial.sources.parsing import parse
from perennial.usecase.declared_check import SetAsideLimits

PRICE, CARRIER = "price: not a number", "carrier: missing"


def over(aside: Mapping[int, tuple[str, ...]], arrived: int = 200) -> list[tuple[str, str]]:
    found = exceeded(SetAsideLimits(), arrived, aside, lambda reason, rows: [f"{reason[:3]}{rows[0]}"])
    return [(each.limit, each.finding) for each in found]


def test_a_share_above_a_limit_is_named_with_its_reason_and_values() -> None:
    ((limit, told),) = over(dict.fromkeys(range(15), (PRICE,)))
    assert limit == f"{LIMITS} 5 % for one reason (set_aside.per_reason)"
    assert told.startswith("15 of 200 rows (7.5 %), price: not a number (15 rows, for example 'pri0'). The rest may be")
    total, one = over(dict.fromkeys(range(30), (PRICE, CARRIER)))
    assert total[0] == f"{LIMITS} 10 % in total (set_aside.total)" and "30 of 200 rows (15 %)" in total[1]
    assert one[1] == "carrier: missing (30 rows, for example 'car0'); price: not a number (30 rows)" or PRICE in one[1]


def test_examples_are_quoted_as_the_file_has_them() -> None:
    lines = ["9,,true,maybe,2024-01-02", "9.5,x,false,1,soon", "9,x,true,7,2024-01-02"]
    types: dict[str, ColumnType] = {"n": "number", "t": "text", "b": "boolean", "y": "number", "at": "timestamp"}
    batch = parse("\n".join(["n,t,b,y,at", *lines, ""]).encode(), ".csv", types, "UTC")
    for column, shown in (
        ("n", ["9", "9.5"]),
        ("t", ["x"]),
        ("b", ["true", "false"]),
        ("y", ["maybe", "1", "7"]),
        ("at", ["2024-01-02T00:00:00+00:00", "soon"]),
    ):
        assert examples_of(batch, f"{column}: wrong", [0, 1, 2]) == shown
    marked = parse(b'n\n"1.234,50"\n9\n', ".csv", {"n": "number"}, "UTC", decimal=",")
    assert examples_of(marked, "n: wrong", [0, 1]) == ["1.234,50", "9"]


def test_few_rows_copies_and_rows_of_another_batch_hold_nothing() -> None:
    assert over(dict.fromkeys(range(9), (PRICE,)), arrived=12) == []
    assert over({row: (copy_of(0),) for row in range(150)}) == []
    assert over(dict.fromkeys(range(150), ("order: accepted before in batch 2024-01",))) == []


def test_copies_do_not_water_down_the_share() -> None:
    aside = {row: (copy_of(0),) for row in range(100)} | dict.fromkeys(range(100, 110), (PRICE,))
    assert len(over(aside)) == 1, "10 of the 100 rows that are no copies: more than 5 % for one reason"
