"""Which refits of a fleet come first, and which wait."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.backtest.kept_worth import Growth
from perennial.fleet.budget import DueRefit, plan_refits
from perennial.fleet.day_costs import day_costs


def due(usecase: str, age: float | None, seconds: float | None, **changes: Any) -> DueRefit:
    values = {"rows": 100, "refresh_after_days": 90.0, "asked": False, "budget": 60.0, "growth": None, **changes}
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


def growth(a_day: float, error: float = 0.01, **changes: Any) -> Growth:
    values = {"unit": "log_loss", "a_row": True, "low": a_day - 1.96 * error, "high": a_day + 1.96 * error, **changes}
    return Growth(a_day=a_day, **values)


def test_what_age_costs_as_measured_comes_before_days_and_rows() -> None:
    quick, slow = due("quick", 30, 60, growth=growth(0.9)), due("slow", 60, 60, rows=200, growth=growth(0.1))
    made = plan_refits([slow, quick], {})
    assert made.order == ("quick", "slow")
    assert made.postponed["slow"].day_costs == pytest.approx(0.1, rel=0.01)
    without = plan_refits([due("quick", 30, 60), due("slow", 60, 60, rows=200)], {})
    assert without.order == ("slow", "quick") and without.postponed["quick"].day_costs is None


def test_a_member_without_a_measurement_has_the_mean_of_the_others() -> None:
    made = day_costs({"a": growth(0.3), "b": growth(0.5), "unknown": None, "other": growth(9.0, unit="money")})
    assert made is not None and made.a_row
    assert made.of["unknown"] == made.of["other"] == pytest.approx(0.4)
    assert day_costs({"a": None}) is None


def test_poor_measurements_are_drawn_to_the_mean_and_good_ones_are_kept() -> None:
    """Of 100 members whose true costs vary by .1 around .5, the estimates are closer than what was measured."""
    random = np.random.default_rng(0)
    true, errors = random.normal(0.5, 0.1, 100), np.where(np.arange(100) % 2, 0.3, 0.01)
    seen = true + random.normal(0, errors)
    made = day_costs({str(i): growth(float(seen[i]), float(errors[i])) for i in range(100)})
    assert made is not None
    drawn = np.array([made.of[str(i)] for i in range(100)])
    good = errors < 0.1
    assert np.abs(drawn - seen)[good].max() < 0.01
    assert np.square(drawn - true)[~good].mean() < np.square(seen - true)[~good].mean() / 3


def test_an_age_that_costs_nothing_comes_last() -> None:
    assert day_costs({"a": growth(-0.5), "b": growth(0.5)}).of["a"] == 0  # type: ignore[union-attr]
    assert day_costs({"a": growth(0.2, 0.0)}).of == {"a": 0.2}  # type: ignore[union-attr]


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
