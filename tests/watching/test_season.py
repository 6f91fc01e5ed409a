"""The same weeks a year ago distinguish a season from decay, once there are enough of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from perennial.ledger.entries import Day
from perennial.watching.season import season


def year(summer: float) -> tuple[Day, ...]:
    """Losses of 2023: 1 in winter, `summer` in July, with some noise."""
    first, draw = np.datetime64("2023-01-01"), np.random.default_rng(0)
    names = [str(first + n) for n in range(365)]
    return tuple(
        Day(
            day=name,
            loss=(summer if name[5:7] == "07" else 1.0) + 0.01 * draw.normal(),
            gap=0.0,
            labelled=9,
            rows=9,
        )
        for name in names
    )


JULY, MARCH = (date(2024, 7, 1), date(2024, 7, 28)), (date(2024, 3, 1), date(2024, 3, 31))


def test_the_factor_is_that_of_the_year_before() -> None:
    known = season(year(1.5), JULY, MARCH)
    assert known is not None
    assert known.factor == pytest.approx(1.5, abs=0.01)
    assert 0 < known.se < 0.01
    assert known.days == 28 + 31


def test_without_two_weeks_a_year_ago_there_is_no_season() -> None:
    assert season(year(1.5)[:-180], JULY, MARCH) is None
    assert season((), JULY, MARCH) is None
    assert season(year(-1.0), JULY, MARCH) is None, "a mean that is not positive gives no factor"
