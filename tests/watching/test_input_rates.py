"""How often the channels on inputs raise an alarm without a cause, by resampling a champion's stored days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from perennial.ledger.entries import ChannelRate, Health
from perennial.usecase.declaration import Declaration, Watch
from perennial.watching.calibration import calibration
from perennial.watching.input_rates import StoredDays, episodes, rate_of_counts, rate_together, stored_days
from perennial.watching.resampled import open_rate
from perennial.watching.statistics.counting import row_days
from perennial.watching.statistics.frames import grids_of
from perennial.watching.statistics.pca import fitted_directions
from tests.watching.counted_inputs import count_inputs

CHANNELS = ("features", "predictions", "multivariate", "contract", "business", "calibration", "estimated_loss", "age")
DECLARED = Declaration.model_construct(  # type: ignore[call-arg]
    name="shop", watch=Watch(channels=CHANNELS, page_per_year=1)
)


def rows(days: int, seed: int = 0, scatter: float = 0.0) -> pd.DataFrame:
    """100 rows per day. scatter: of the days' means, which stay as they are for two weeks."""
    draw = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 100)
    level = scatter * np.repeat(draw.normal(size=days // 14 + 1), 14)[:days]
    return pd.DataFrame({"x": level[day] + draw.normal(size=day.size), "z": draw.normal(size=day.size), "day": day})


def stored(days: int, scatter: float = 0.0) -> StoredDays:
    made = rows(days, scatter=scatter)
    inputs, of_rows = made[["x", "z"]], row_days(made["day"].to_numpy())
    grids = grids_of(inputs)
    return stored_days(
        count_inputs(inputs, of_rows, grids), grids, None, fitted_directions(inputs, made["day"].to_numpy())
    )


def rates(inputs: StoredDays, batches: int = 10) -> dict[str, ChannelRate]:
    past = []
    for number in range(batches):
        stated: dict[str, Any] = {"as_of": f"2024-01-{1 + number:02d}T00:00:00Z", "readings": ()}
        past.append(Health.model_construct(**stated))
    at = datetime(2025, 1, 1, tzinfo=UTC)
    measured = calibration(DECLARED, past, release_no=3, as_of=at, reference_days=30, inputs=lambda: inputs)
    return {each.channel: each for each in measured.rates}


def test_days_that_are_alike_ring_rarely_and_days_that_stay_away_for_weeks_often() -> None:
    alike, unlike = stored(84), stored(84, scatter=1.5)
    assert alike.features is not None and unlike.features is not None
    rarely, often = (rate_of_counts(each.features or (), 7, seed=1) for each in (alike, unlike))
    assert rarely.per_year < 0.5 and rarely.low <= rarely.per_year <= rarely.high
    assert often.per_year > 2


def test_four_blocks_leave_as_much_open_for_inputs_as_for_losses() -> None:
    few = stored(56)
    rate = rate_of_counts(few.features or (), 7, seed=1)
    assert rate.high >= open_rate(4) > 15
    assert few.together is not None and rate_together(few.together, 7, seed=1).high >= open_rate(4)


def test_features_together_have_a_rate_with_an_interval() -> None:
    directions = stored(84).together
    assert directions is not None
    rate = rate_together(directions, 7, seed=1)
    assert 0 < rate.high <= 52 and rate.low <= rate.per_year <= rate.high
    assert rate == rate_together(directions, 7, seed=1)


def test_a_rate_that_cannot_be_measured_is_unknown_with_its_reason() -> None:
    known = rates(stored(40))
    assert all(known[name].rate is None for name in CHANNELS)
    assert known["features"].why == "needs 56 days of the champion's training, 40 are stored"
    assert known["predictions"].why == "needs 56 days of the champion's evaluation, 0 are stored"
    assert known["contract"].why == "its alarms are checks that failed, which have no ordinary scatter to resample"
    assert known["business"].why == "the value of each day is not stored"
    assert known["age"].why == "it follows the calendar, not chance"


def test_stored_days_give_the_rates_of_what_is_compared_with_them() -> None:
    known = rates(stored(60))
    assert known["features"].rate is not None and known["multivariate"].rate is not None
    assert known["features"].years > 0 and known["predictions"].rate is None


def test_stored_days_that_cannot_be_read_make_the_rate_unknown_and_stop_nothing() -> None:
    def damaged() -> StoredDays:
        raise ValueError("half a file")

    at = datetime(2025, 1, 1, tzinfo=UTC)
    measured = calibration(DECLARED, (), release_no=3, as_of=at, reference_days=30, inputs=damaged)
    assert measured.rates[0].why == "reading the stored days failed: ValueError: half a file"


def test_an_episode_lasts_two_weeks_and_ends_after_a_calm_one() -> None:
    daily = np.zeros(40, dtype=bool)
    daily[[0, 5, 13, 18, 30]] = True
    assert episodes(daily, 1) == 2
    assert episodes(np.ones(40, dtype=bool), 7) == 1
