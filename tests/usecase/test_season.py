"""Whether a target has a season, for which `init` proposes to recall old models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from perennial.usecase.drafting.season import chance_of, years_with_a_season


def history(months: int, season: float, seed: int = 0) -> pd.DataFrame:
    """Orders of some months, whose amount follows the year."""
    random = np.random.default_rng(seed)
    at = pd.date_range("2021-03-01", periods=months * 30, freq="D", tz="UTC").repeat(3)
    amount = 50 + season * np.cos(2 * np.pi * at.day_of_year / 365.25) + random.normal(0, 5, len(at))
    return pd.DataFrame({"order": range(len(at)), "at": at, "size": random.normal(size=len(at)), "amount": amount})


@pytest.mark.parametrize(("months", "season", "years"), [(26, 3.0, 2), (38, 3.0, 3), (38, 0.0, None), (20, 3.0, None)])
def test_a_season_shows_from_two_years_on(months: int, season: float, years: int | None) -> None:
    rows = history(months, season)
    assert years_with_a_season(rows["at"], rows["amount"]) == years
    text = (rows["amount"] > 50).map({True: "large", False: "small"})
    assert years_with_a_season(rows["at"], text) == years


def test_without_a_season_it_shows_in_one_history_of_a_hundred() -> None:
    random = np.random.default_rng(0)
    chances = [chance_of(random.normal(size=(2, 12)) + random.normal(size=(2, 1))) for _ in range(2000)]
    assert stats.kstest(chances, "uniform").pvalue > 0.01


def test_a_month_without_rows_shows_no_season() -> None:
    rows = history(26, 3.0)
    rows = rows[rows["at"].dt.month != 8]
    assert years_with_a_season(rows["at"], rows["amount"]) is None
