"""Which refits of a fleet come first, and which wait."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perennial.fleet.budget import DueRefit, plan_refits


def due(usecase: str, age: float | None, seconds: float | None, **changes: Any) -> DueRefit:
    values = {"rows": 100, "refresh_after_days": 90.0, "asked": False, "budget": 60.0, **changes}
    return DueRefit(usecase=usecase, template="sales", age_days=age, seconds=seconds, **values)


def test_what_cannot_wait_comes_first_then_the_most_value_for_a_second() -> None:
    members = [
        due("cheap", 30, 5),
        due("dear", 30, 50),
        due("large", 30, 50, rows=2000),
        due("new", None, None),
        due("overdue", 100, 40),
        due("drifted", 1, 1, asked=True),
    ]
    made = plan_refits(members, {})
    assert made.order == ("new", "overdue", "drifted", "cheap", "large", "dear")
    assert list(made.postponed) == ["large", "dear"]
    large = made.postponed["large"]
    assert (large.rank, large.due, large.seconds, large.planned_seconds, large.budget_seconds) == (4, 6, 50, 41, 60)


def test_what_cannot_wait_is_run_beyond_the_budget() -> None:
    made = plan_refits([due("overdue", 100, 500), due("other", 30, 1)], {})
    assert made.order == ("overdue", "other") and list(made.postponed) == ["other"]


MEMBERS = st.lists(st.tuples(st.floats(0, 200), st.floats(0.001, 80)), min_size=1, max_size=9)


@given(MEMBERS, st.floats(0, 80), st.randoms())
def test_the_order_of_the_list_does_not_matter_and_only_what_cannot_wait_exceeds_the_budget(
    pairs: list[tuple[float, float]], spent: float, shuffle: Any
) -> None:
    members = [due(f"m{number}", age, seconds) for number, (age, seconds) in enumerate(pairs)]
    made = plan_refits(members, {"sales": spent})
    assert sorted(made.order) == sorted(each.usecase for each in members)
    chosen = [each for each in members if not each.cannot_wait and each.usecase not in made.postponed]
    assert not chosen or spent + made.seconds["sales"] <= 60.0
    mixed = list(members)
    shuffle.shuffle(mixed)
    assert plan_refits(mixed, {"sales": spent}) == made
