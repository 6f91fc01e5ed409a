"""A channel's false-alarm rate is measured on the use case's own days, and honest if they are too few."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perennial.cli import calibrating
from perennial.ledger.entries import Calibration, ChannelRate, Day, Health, Reading, Reference, Release
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import Declaration, Watch
from perennial.watching.calibration import calibration, recalibrated, runs_of
from perennial.watching.past import past_of
from perennial.watching.resampled import gap_alarms, level_alarms, open_rate, rate_of

AT = datetime(2025, 1, 1, tzinfo=UTC)
DECLARED = Declaration.model_construct(  # type: ignore[call-arg]
    name="shop", watch=Watch(channels=("gap", "level", "unseen", "small"), page_per_year=1)
)


def days(count: int, *, gap: float = 0.0, seed: int = 0, start: str = "2024-01-01") -> tuple[Day, ...]:
    draw = np.random.default_rng(seed)
    return tuple(
        Day(
            day=str(np.datetime64(start) + n),
            loss=0.5 + 0.05 * draw.normal(),
            gap=gap + 0.03 * draw.normal(),
            labelled=90,
            rows=100,
            warm_up=n < 28,
        )
        for n in range(count)
    )


def past(*runs: tuple[Day, ...]) -> list[Health]:
    """One batch for each champion's days."""
    made = []
    for number, run in enumerate(runs):
        reading = Reading(channel="gap", value=1.0, threshold=365.0, age_days=1, words="", days=run)
        share = Reading(channel="unseen", value=0.01, threshold=0.05, age_days=30, words="")
        stated: dict[str, Any] = {"as_of": f"2024-{number + 1:02d}-01T00:00:00Z", "readings": (reading, share)}
        made.append(Health.model_construct(**stated))
    return made


def rates(of: list[Health]) -> dict[str, ChannelRate]:
    measured = calibration(DECLARED, of, release_no=3, as_of=AT, reference_days=30)
    return {each.channel: each for each in measured.rates}


def test_days_without_a_change_ring_less_than_once_a_year_with_an_interval() -> None:
    known = rates(past(days(140)))
    gap, level = known["gap"], known["level"]
    assert gap.rate is not None and gap.low is not None and gap.high is not None
    assert gap.low <= gap.rate <= 1.0 and gap.rate <= gap.high and gap.threshold == 365
    assert level.rate is not None and level.rate < 0.1 and level.threshold == 0.25


def test_a_real_gap_in_the_history_is_no_false_alarm() -> None:
    """The same noise around a gap of a tenth: what is measured is how often the noise alone rings."""
    assert rates(past(days(140, gap=0.05)))["gap"].rate == pytest.approx(rates(past(days(140)))["gap"].rate, abs=0.4)


def test_too_short_a_history_is_unknown_with_what_it_needs() -> None:
    known = rates(past(days(40)))
    assert (known["gap"].rate, known["gap"].threshold) == (None, None)
    assert known["gap"].why == "needs 56 labelled days after a warm-up of 28, 0 have come"
    assert known["unseen"].why == "needs 8 batches without an alarm, 1 have come"
    assert known["small"].why == "not measured for this channel"


def test_the_same_history_gives_the_same_rates() -> None:
    assert rates(past(days(100))) == rates(past(days(100)))


def test_a_threshold_is_raised_until_the_rate_is_kept() -> None:
    """Days so alike their neighbours that the declared limit would ring too often."""
    draw = np.random.default_rng(1)
    wave = np.repeat(draw.normal(0, 0.03, 40), 7)
    alike = tuple(day.model_copy(update={"gap": float(g)}) for day, g in zip(days(280), wave, strict=True))
    gap = rates(past(alike))["gap"]
    assert gap.threshold is not None and gap.threshold > 365


def test_each_warm_up_begins_the_days_of_another_champion() -> None:
    readings = [reading for health in past(days(60), days(50)) for reading in health.readings]
    assert [len(run) for run in runs_of(readings)] == [32, 22]


def test_more_tolerance_rings_less_often() -> None:
    noise = [0.3 * np.random.default_rng(2).normal(size=200)]
    often, rarely = (rate_of(noise, level_alarms(tol, 20, page_at=2.0), seed=0) for tol in (0.01, 0.5))
    assert often.per_year > rarely.per_year
    assert (
        rate_of(noise, gap_alarms(2000.0, 0.0), seed=0).per_year
        <= rate_of(noise, gap_alarms(100.0, 0.0), seed=0).per_year
    )


def test_each_champion_is_calibrated_once(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    reference = Reference(metric="log_loss", value=0.5, se=0.01, df=29, rows=900, clusters=30)
    stated: dict[str, Any] = {"release_no": 2, "reference": reference}
    first = Release.model_construct(**stated)
    assert recalibrated(ledger, DECLARED, first, past_of(past(())), AT) is None, "no day was measured yet"
    once = recalibrated(ledger, DECLARED, first, past_of(past(days(100))), AT)
    assert recalibrated(ledger, DECLARED, first, past_of(past(days(120))), AT) == once
    stated["release_no"] = 3
    again = recalibrated(ledger, DECLARED, Release.model_construct(**stated), past_of(past(days(120))), AT)
    assert [row.payload for row in ledger.all("shop", Calibration)] == [once, again]


def test_four_calm_blocks_do_not_prove_that_there_are_no_false_alarms() -> None:
    """The interval was 0.00 to 0.00 on 56 days."""
    calm = np.random.default_rng(1).normal(0, 0.01, 56)
    rate = rate_of([calm], level_alarms(0.5, 28, page_at=2.0), seed=0)
    assert (rate.per_year, rate.low) == (0.0, 0.0)
    assert rate.high == pytest.approx(open_rate(4)) and rate.high > 15
    longer = rate_of([np.random.default_rng(1).normal(0, 0.01, 728)], level_alarms(0.5, 28, page_at=2.0), seed=0)
    assert 0 < longer.high < 2, "two years of calm days say more"


def test_thresholds_have_their_units_and_few_blocks_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    gap = ChannelRate(channel="gap", threshold=365, rate=0.2, low=0, high=15.7, years=240, pages=0.0)
    level = ChannelRate(channel="level", threshold=0.25, rate=0.0, low=0, high=15.7, years=240, pages=0.0)
    kept: dict[str, Any] = {"release_no": 2, "days": 56, "block": 14, "page_per_year": 1.0, "rates": (gap, level)}
    calibrating.show("shop", Calibration.model_construct(**kept))
    shown = capsys.readouterr().out
    assert "365.0 days" in shown and "25 % of the reference" in shown
    assert "1.00 alerts a year that page a person" in " ".join(shown.split())
    assert "4 independent blocks are few" in shown
    calibrating.show("shop", Calibration.model_construct(**{**kept, "days": 400}))
    assert "are few" not in capsys.readouterr().out
