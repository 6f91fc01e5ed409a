"""What the checks that `init` proposes say of a column, and that an ordinary rest of the year does not break them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data_checks.proposal import Proposal, propose

BETWEEN, MEAN = "expect_column_values_to_be_between", "expect_column_mean_to_be_between"


def proposed(name: str, values: np.ndarray, days: pd.DatetimeIndex) -> dict[str, Proposal]:
    checks = propose(pd.DataFrame({name: values}), pd.Series(days), monthly=True)
    return {check.expectation: check for check in checks}


def spring(rows_a_day: int = 10) -> pd.DatetimeIndex:
    return pd.date_range("2024-03-01", "2024-06-30", freq="D").repeat(rows_a_day)


def test_a_temperature_known_only_from_spring_may_go_below_zero() -> None:
    days, draw = spring(), np.random.default_rng(1)
    warmer = 6 + 14 * (days.day_of_year - 60) / 122
    checks = proposed("temp", np.abs(warmer + draw.normal(0, 2.5, len(days))), days)
    assert checks[BETWEEN].arguments["min_value"] < 0
    age = proposed("age", draw.uniform(18, 80, len(days)), days)
    assert age[BETWEEN].arguments["min_value"] >= 0, "no season moves it"


def test_counts_that_are_mostly_zero_say_so_and_have_a_near_limit() -> None:
    days, draw = spring(60), np.random.default_rng(2)
    calls = np.where(draw.random(len(days)) < 0.57, 0, 1 + draw.poisson(0.8, len(days)))
    check = proposed("calls", calls, days)[BETWEEN]
    none = int((calls == 0).sum())
    assert check.why.startswith(f"{none:,} of {len(days):,} values are 0; 99 % of the others lie between 1 and ")
    assert check.arguments["min_value"] == 0 and calls.max() <= check.arguments["max_value"] < 30


def test_means_that_differ_are_written_apart_and_days_without_rows_are_named() -> None:
    days, draw = spring(), np.random.default_rng(3)
    days = days[days.day_of_week < 5]
    why = proposed("pressure", 1013 + draw.normal(0, 0.5, len(days)), days)[MEAN].why
    low, high = why.removeprefix("means of ").split(" in ")[0].split(" to ")
    assert float(low) < float(high)
    assert f"from {(days.max() - days.min()).days + 1} calendar days, {days.nunique()} of them with rows" in why


def test_the_month_after_a_single_one_like_it_seldom_breaks_a_range_of_means() -> None:
    """One month alone does not show where its mean lies among those of ordinary months."""
    draw, columns, tries = np.random.default_rng(4), 40, 5
    broken = 0
    for _ in range(tries):
        day = np.repeat(np.arange(59), 40)
        values = 50 + draw.normal(0, 1, (len(day), columns)) + 0.3 * draw.normal(0, 1, (59, columns))[day]
        rows, past = pd.DataFrame(values).add_prefix("x"), day < 31
        days = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(day[past], unit="D"))
        for check in propose(rows[past].reset_index(drop=True), days, monthly=True):
            if check.expectation == MEAN:
                limits = check.arguments
                mean = rows.loc[~past, limits["column"]].mean()
                broken += not limits["min_value"] <= mean <= limits["max_value"]
    assert broken / (tries * columns) < 0.04
