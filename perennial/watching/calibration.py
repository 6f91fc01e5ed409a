"""Thresholds that keep their promise: each channel's false-alarm rate on the use case's own history."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from perennial.clock import instant, write_instant
from perennial.errors import TransientError
from perennial.evaluation.arrays import FloatArray
from perennial.identity import digest
from perennial.ledger.entries import Calibration, ChannelRate, Cycle, Day, Health, Reading, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import first_with_champion, newest_calibration
from perennial.registered import CHANNELS
from perennial.usecase.declaration import Declaration
from perennial.watching.channels import load_channel
from perennial.watching.channels.level import PAGE_AT
from perennial.watching.channels.unseen import FEWEST_READINGS, usual_share
from perennial.watching.e_sr import DAYS_A_YEAR
from perennial.watching.gap_days import WARM_UP
from perennial.watching.input_rates import StoredDays, rate_of_counts, rate_together
from perennial.watching.past import Past
from perennial.watching.resampled import BLOCK, FEWEST_DAYS, Rate, gap_alarms, level_alarms, rate_of

ALARMS_A_YEAR = 1.0
"""What a channel's alarms may amount to without a cause; pages have the declared budget."""
STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""A threshold is the declared one, or the first of these multiples that keeps the rate."""
FEWEST_BATCHES = 8
NOT_RESAMPLED = {
    "contract": "its alarms are checks that failed, which have no ordinary scatter to resample",
    "age": "it follows the calendar, not chance",
    "calibration": "the mean prediction and label of each day are not stored",
    "business": "the value of each day is not stored",
    "estimated_loss": "the estimated loss of each day is not stored",
}
"""Why the rate of a channel is unknown however long the history is."""
_YEARS = 240

log = logging.getLogger("perennial.watching")
Inputs = Callable[[], StoredDays]
"""Reads what is stored about the live champion by day; called only if a rate needs it."""


def calibration(
    declaration: Declaration,
    past: Sequence[Health],
    *,
    release_no: int,
    as_of: datetime,
    reference_days: int,
    inputs: Inputs = StoredDays,
) -> Calibration:
    """The rates of all monitored channels, with the thresholds that keep them.

    past: of finished cycles, in order. reference_days: clusters of the live champion's reference.
    inputs: reads its stored days.
    """
    watch, runs = declaration.watch, runs_of([r for health in past for r in health.readings])
    paging = [name for name in watch.channels if CHANNELS.has(name) and load_channel(name).may_page]
    pages = watch.page_per_year / max(len(paging), 1)
    days = sum(len(run) for run in runs)
    rates: list[ChannelRate] = []
    for name in watch.channels:
        seed = int(digest([declaration.name, release_no, name])[:8], 16)
        if name == "gap":
            rates.append(_gap(runs, days, watch.fresh_gain, seed))
        elif name == "level":
            rates.append(_level(runs, days, watch.tolerance, reference_days, pages, seed))
        elif name == "unseen":
            rates.append(_unseen(past, watch.unseen_share, seed))
        elif name in ("features", "predictions", "multivariate"):
            rates.append(_inputs(name, inputs, past, seed))
        else:
            rates.append(unknown(name, NOT_RESAMPLED.get(name, "not measured for this channel")))
    return Calibration(
        release_no=release_no,
        as_of=write_instant(as_of),
        days=days,
        block=BLOCK,
        page_per_year=watch.page_per_year,
        rates=tuple(rates),
    )


def runs_of(readings: Sequence[Reading]) -> list[tuple[Day, ...]]:
    """The days after each champion's warm-up, in order; a warm-up begins the next run."""
    runs: list[list[Day]] = []
    warming = False
    for day in (day for reading in readings for day in reading.days):
        if day.warm_up:
            if not warming:
                runs.append([])
            warming = True
        else:
            warming = False
            if runs:
                runs[-1].append(day)
    return [tuple(run) for run in runs if len(run) >= BLOCK]


def unknown(channel: str, why: str) -> ChannelRate:
    """An unknown rate with the reason; the threshold stays as declared."""
    return ChannelRate(channel=channel, threshold=None, rate=None, low=None, high=None, years=0, why=why)


def _needs(channel: str, days: int) -> ChannelRate | None:
    if days >= FEWEST_DAYS:
        return None
    return unknown(channel, f"needs {FEWEST_DAYS} labelled days after a warm-up of {WARM_UP}, {days} have come")


def _gap(runs: Sequence[Sequence[Day]], days: int, epsilon: float, seed: int) -> ChannelRate:
    """Gaps relative to the loss, shifted so that a fresh model is no better than the champion on average."""
    short = _needs("gap", days)
    if short:
        return short
    shares = [np.array([day.gap for day in run]) / np.mean([day.loss for day in run]) for run in runs]
    quiet = [each - max(float(each.mean()), 0.0) for each in shares]
    threshold, rate = DAYS_A_YEAR, Rate(0.0, 0.0, 0.0)
    for step in STEPS:
        threshold = step * DAYS_A_YEAR
        rate = rate_of(quiet, gap_alarms(threshold, epsilon), seed=seed)
        if rate.per_year <= ALARMS_A_YEAR:
            break
    return _known("gap", threshold, rate)


def _level(
    runs: Sequence[Sequence[Day]], days: int, tolerance: float, reference_days: int, pages: float, seed: int
) -> ChannelRate:
    """Losses relative to the mean of their champion's days."""
    short = _needs("level", days)
    if short:
        return short
    losses = [np.array([day.loss for day in run]) for run in runs]
    quiet: list[FloatArray] = [each / each.mean() - 1 for each in losses]
    threshold, rate = tolerance, Rate(0.0, 0.0, 0.0)
    for step in STEPS:
        threshold = step * tolerance
        counting = level_alarms(threshold, max(reference_days, 2), page_at=PAGE_AT)
        rate = rate_of(quiet, counting, seed=seed)
        if rate.per_year <= ALARMS_A_YEAR and rate.pages <= pages:
            break
    return _known("level", threshold, rate)


def _unseen(past: Sequence[Health], tolerated: float, seed: int) -> ChannelRate:
    """Shares of batches without an alarm, drawn anew: how often one would be an alarm beside the others."""
    readings = [r for health in past for r in health.readings if r.channel == "unseen" and r.value is not None]
    quiet = np.array([r.value for r in readings if r.threshold is None or (r.value or 0.0) < r.threshold])
    if quiet.size < FEWEST_BATCHES:
        return unknown("unseen", f"needs {FEWEST_BATCHES} batches without an alarm, {quiet.size} have come")
    span = _days_between(past)
    batches = max(round(len(past) / span * 365), 1) if span else 12
    draw, counts = np.random.default_rng(seed), []
    for _ in range(_YEARS):
        shares = draw.choice(quiet, FEWEST_READINGS + batches)
        before = [Reading(channel="unseen", value=float(s), threshold=None, age_days=30, words="") for s in shares]
        rings = []
        for at in range(FEWEST_READINGS, len(before)):
            usual = usual_share(before[max(0, at - 60) : at], 30)
            rings.append(shares[at] >= usual.share + max(tolerated, usual.spread))
        counts.append(int(np.sum(np.diff([False, *rings]) & np.array(rings))))
    per_year = float(np.mean(counts))
    half = 1.96 * float(np.std(counts, ddof=1)) / quiet.size**0.5
    rate = Rate(per_year, max(per_year - half, 0.0), per_year + max(half, 3 / quiet.size))
    return _known("unseen", None, rate)


def _inputs(name: str, inputs: Inputs, past: Sequence[Health], seed: int) -> ChannelRate:
    """From the champion's stored days. Like the channel, its calibration only informs, so a failure is a finding."""
    try:
        stored = inputs()
    except TransientError:
        raise
    except Exception as problem:
        log.warning("the stored days of channel %s could not be read", name, exc_info=problem)
        return unknown(name, f"reading the stored days failed: {type(problem).__name__}: {problem}")
    counts = stored.features if name == "features" else stored.scores
    days = len(counts[0]) if counts else 0
    if name == "multivariate":
        days = len(stored.together.day_rows) if stored.together else 0
    if days < FEWEST_DAYS:
        of = "training" if name == "features" else "evaluation"
        return unknown(name, f"needs {FEWEST_DAYS} days of the champion's {of}, {days} are stored")
    if len(past) < 2:
        return unknown(name, "needs two watched batches, to know how far apart they are")
    length = max(round(_days_between(past) / (len(past) - 1)), 1)
    if name == "multivariate":
        assert stored.together is not None
        return _known(name, None, rate_together(stored.together, length, seed=seed))
    assert counts is not None
    return _known(name, None, rate_of_counts(counts, length, seed=seed))


def _days_between(past: Sequence[Health]) -> float:
    return (instant(past[-1].as_of) - instant(past[0].as_of)).total_seconds() / 86400 if len(past) > 1 else 0.0


def _known(channel: str, threshold: float | None, rate: Rate) -> ChannelRate:
    return ChannelRate(
        channel=channel,
        threshold=threshold,
        rate=round(rate.per_year, 4),
        low=round(rate.low, 4),
        high=round(rate.high, 4),
        years=rate.years,
        pages=round(rate.pages, 4),
    )


def calibrated(
    ledger: Ledger, declaration: Declaration, release: Release, as_of: datetime, inputs: Inputs = StoredDays
) -> Calibration:
    """Measure on all finished cycles and store the result; the same days of history give the row that is there."""
    first = first_with_champion(ledger, declaration.name, release)
    past = tuple(row.payload.health for row in ledger.all(declaration.name, Cycle))
    return _stored(ledger, declaration, past, first.release_no, as_of, release.reference.clusters, inputs)


def recalibrated(
    ledger: Ledger,
    declaration: Declaration,
    first: Release,
    past: Past,
    as_of: datetime,
    inputs: Inputs = StoredDays,
) -> Calibration | None:
    """The newest calibration; measured anew on the first batch of a champion if there are days to measure on.

    first: the champion's release. past: of finished cycles before the batch.
    """
    newest = newest_calibration(ledger, declaration.name)
    known = newest is not None and newest.release_no >= first.release_no
    if known or not past.days:
        return newest
    return _stored(ledger, declaration, past.reports, first.release_no, as_of, first.reference.clusters, inputs)


def _stored(
    ledger: Ledger,
    declaration: Declaration,
    past: Sequence[Health],
    release_no: int,
    as_of: datetime,
    reference_days: int,
    inputs: Inputs,
) -> Calibration:
    measured = calibration(
        declaration, past, release_no=release_no, as_of=as_of, reference_days=reference_days, inputs=inputs
    )
    row, _ = ledger.append(declaration.name, measured)
    return row.payload
