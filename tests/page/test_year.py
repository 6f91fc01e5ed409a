"""The page after a year of daily batches: every day is there, and it is small enough to open at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from perennial.ledger.entries import (
    Alarm,
    ChallengerEntry,
    Cycle,
    Decision,
    Episode,
    EpisodeClosed,
    Evidence,
    FeatureMove,
    Health,
    LossWithInterval,
    Reading,
)
from perennial.ledger.entries.watching import SliceShare
from perennial.page.render import render
from perennial.page.view import view_of
from tests.evaluation.conftest import primary_of
from tests.ledger.payloads import batch
from tests.page.test_view import history, released
from tests.release.payloads import challenger, decision

FIRST, DAYS, MEGABYTE = date(2023, 1, 1), 365, 1_000_000
CHANNELS = ("contract", "unseen", "features", "predictions", "estimated_loss", "gap", "level", "calibration", "age")
WORDS = (
    "The champion is within the 10 % that is tolerated: log_loss 0.31415 (reference 0.30123, worse by +0.0129, at "
    "least -0.00412, tolerated 0.0301) on 27,004 rows of 28 days, which happens without a cause 0.52 times a year (95 "
    "% interval 0.31 to 0.83, 200 years resampled from 180 days)."
)


@pytest.fixture(scope="module")
def page() -> str:
    """A decision each day, a release each month, an alarm every five weeks that lasts for two."""
    rows: dict[str, list[Any]] = {name: [] for name in ("batches", "decisions", "releases", "episodes", "closed")}
    rows |= {"cycles": [], "challengers": []}
    for number in range(DAYS):
        a_day(rows, number)
    return render(view_of(history(**rows)), {})


def a_day(rows: dict[str, list[Any]], number: int) -> None:
    """Add the rows of one day's cycle."""
    start, at = (f"{FIRST + timedelta(days=each)}T00:00:00Z" for each in (number, number + 1))
    window = start[:10]
    came = batch().model_copy(
        update={"window": window, "batch": f"b-{window}", "start": start, "end": at, "arrived_at": at}
    )
    trained = challenger(f"c{number}", number + 1)
    live = len(rows["releases"])
    outcome = ("release" if live else "first") if number % 30 == 0 else "keep"
    said = decision(f"d{number:04d}", trained, live).model_copy(
        update={"batch": window, "as_of": at, "outcome": outcome, "metrics": (primary_of(0.002),)}
    )
    if outcome != "keep":
        rows["releases"].append(released(said).model_copy(update={"release_no": live + 1, "as_of": at}))
    opened = number // 35 * 35
    name = f"level@{FIRST + timedelta(days=opened + 1)}T00:00:00Z"
    if number == opened:
        worst = SliceShare(column="carrier", value="bike", rows=900, share=0.2, mean_excess=0.1, contribution=0.02)
        evidence = Evidence(rows=900, days=28, loss="log_loss", cost_per_day=3.0, slice=worst)
        begun = {"opened_at": at, "batch": came.batch, "release_no": 1, "detail": WORDS, "evidence": evidence}
        rows["episodes"].append(Episode(episode=name, channel="level", **begun))
    elif number - opened == 14:
        rows["closed"].append(EpisodeClosed(episode=name, closed_at=at, batch=came.batch, detail=WORDS))
    alarm = Alarm(channel="level", severity="warning", detail=WORDS, episode=name)
    rows["batches"].append(came)
    rows["challengers"].append(trained)
    rows["decisions"].append(said)
    rows["cycles"].append(cycle(came.batch, at, number, trained, said, (alarm,) if number - opened < 14 else ()))


def cycle(of: str, at: str, number: int, made: ChallengerEntry, said: Decision, alarms: tuple[Alarm, ...]) -> Cycle:
    drift = (number % 50) / 500
    moves = tuple(
        FeatureMove(name=f"feature_{each}", psi=drift + each / 100, threshold=0.2, mix=0.01, concept=0.02)
        for each in range(12)
    )
    readings = tuple(
        Reading(
            channel=name,
            value=0.2 + drift,
            threshold=0.3,
            age_days=1.0,
            words=WORDS,
            back=True,
            features=moves if name == "features" else (),
        )
        for name in CHANNELS
    )
    health = Health(
        usecase="shop",
        batch=of,
        as_of=at,
        rows=1000,
        labelled_rows=900,
        loss=LossWithInterval(value=0.3 + drift, ci_low=0.28 + drift, ci_high=0.33 + drift, reference=0.3),
        unseen_share=0.01,
        alarms=alarms,
        action="none",
        readings=readings,
    )
    return Cycle(
        batch=of, as_of=at, decision=said.id, challenger=made.challenger, health=health, waits="", not_trained=""
    )


def test_a_year_of_daily_batches_stays_below_a_megabyte_and_shows_every_day(page: str) -> None:
    assert len(page.encode()) < MEGABYTE
    assert [day for n in range(DAYS) if (day := str(FIRST + timedelta(days=n))) not in page] == []
    assert "<script" not in page
