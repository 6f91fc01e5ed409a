"""The gap channel: a champion that a fresh model beats is found; a season is not."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.ledger.entries import Calibration, ChannelRate, Day
from perennial.watching.channels.gap import GapFinding, gap_finding
from perennial.watching.e_sr import DAYS_A_YEAR
from perennial.watching.thresholds import rings_for_nothing


def days(gaps: np.ndarray, *, start: str = "2024-01-01", warm_up: bool = False) -> tuple[Day, ...]:
    first = np.datetime64(start)
    return tuple(
        Day(day=str(first + n), loss=0.5, gap=float(gap), labelled=90, rows=100, warm_up=warm_up)
        for n, gap in enumerate(gaps)
    )


WARM = days(np.tile([-0.05, 0.05], 14), start="2023-12-04", warm_up=True)


def finding(gaps: np.ndarray, *, new: int = 30, epsilon: float = 0.0, reference: float | None = 0.5) -> GapFinding:
    all_days = (*WARM, *days(gaps))
    return gap_finding(
        all_days[:-new], all_days[-new:], reference=reference, epsilon=epsilon, threshold=DAYS_A_YEAR, rate=""
    )


NOISE = np.tile([-0.05, 0.05], 60)


def test_a_gap_of_a_tenth_is_found_in_six_weeks() -> None:
    quiet, loud = finding(NOISE[:44] + 0.05, new=1), finding(NOISE[:44] + 0.05, new=2)
    assert loud.alarm and loud.value is not None and loud.value > 0
    assert not finding(NOISE[:42] + 0.05, new=1).alarm
    assert not quiet.back
    assert loud.words.startswith("A fresh model is proven better than the champion. On the newest 28 days")
    assert (
        "loses 10 % less (95 % interval 6.05 % less to 13.9 % less), with labels of 2,520 of 2,800 rows" in loud.words
    )


def test_a_single_day_has_too_few_days_for_an_interval() -> None:
    words = finding(NOISE[:1] + 0.05, new=1).words
    assert "On the newest 1 day a fresh model loses 0 % less (too few days for an interval (1)), with" in words


def test_no_gap_is_back_and_the_words_do_not_claim_one() -> None:
    quiet = finding(NOISE)
    assert (quiet.alarm, quiet.back) == (False, True)
    assert "proven" not in quiet.words


def test_a_gap_below_what_is_declared_is_no_alarm() -> None:
    assert not finding(NOISE + 0.004, epsilon=0.01).alarm


def test_a_capped_statistic_comes_down_once_the_gap_is_gone() -> None:
    gaps = np.concatenate([NOISE[:60] + 0.05, NOISE - 0.02])
    assert finding(gaps[:60], new=1).alarm
    course_of = [finding(gaps[:day], new=1) for day in range(60, 90)]
    over = next(day for day, each in enumerate(course_of) if not each.alarm)
    assert all(each.back for each in course_of[over - 6 : over + 1]), "a week back to normal before it is over"
    assert 14 <= over <= 28
    assert not any(each.alarm for each in course_of[over:])


def test_without_a_reference_the_unit_is_the_loss_of_the_warm_up() -> None:
    assert finding(NOISE + 0.05, reference=None).words == finding(NOISE + 0.05).words


@pytest.mark.parametrize("gaps", [np.zeros(0), np.zeros(5)])
def test_what_cannot_be_known_is_unknown(gaps: np.ndarray) -> None:
    still = tuple(day.model_copy(update={"gap": 0.0}) for day in WARM)
    unknown = gap_finding(still, days(gaps), reference=0.5, epsilon=0, threshold=DAYS_A_YEAR, rate="")
    assert (unknown.value, unknown.alarm, unknown.back) == (None, False, False)
    assert unknown.words.startswith("The gap is unknown")


def test_an_alarm_has_its_false_alarm_rate_beside_it() -> None:
    rate = ChannelRate(channel="gap", threshold=400.0, rate=0.52, low=0.31, high=0.83, years=200)
    calibration = Calibration(release_no=1, as_of="", days=180, block=14, page_per_year=1, rates=(rate,))
    assert rings_for_nothing(calibration, "gap") == (
        ", which happens without a cause 0.52 times a year (95 % interval 0.31 to 0.83, 200 years resampled from "
        "180 days)"
    )
    assert rings_for_nothing(calibration, "level") == " (how often that is a false alarm is not measured yet)"


def test_month_by_month_an_episode_opens_once_and_closes_once() -> None:
    """Batches of a month: an episode that ends in the middle of one is over at its end, and is not opened again."""
    gaps = np.concatenate([NOISE[:30], NOISE[:60] + 0.05, NOISE[:90] - 0.01])
    months = [finding(gaps[:until], new=30) for until in range(30, 181, 30)]
    assert [each.alarm for each in months] == [False, False, True, False, False, False]
    assert [each.back for each in months] == [True, False, False, True, True, True]
