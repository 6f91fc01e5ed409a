"""Draws what channels find on seeded streams, for the pages here: `.venv/bin/python docs/watching/finding_drawings.py`.

Each drawing is the channel's own statistic and threshold, computed by the channel's own function. Something changes on
day 120 after the release, except for the contract, whose drawing is a calendar.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import altair as alt  # noqa: E402
from watched_streams import CHANGE_DAY, REFERENCE_DAYS, Stream, stream  # noqa: E402

from perennial.clock import write_instant  # noqa: E402
from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.metrics.value import worth  # noqa: E402
from perennial.evaluation.paired import Clusters  # noqa: E402
from perennial.ledger.entries import BatchEntry, Reference, Rows  # noqa: E402
from perennial.watching.channels.age import age  # noqa: E402
from perennial.watching.channels.business import business  # noqa: E402
from perennial.watching.channels.calibration import calibration  # noqa: E402
from perennial.watching.channels.contract import contract  # noqa: E402
from perennial.watching.channels.estimated_loss import estimated_loss  # noqa: E402
from perennial.watching.channels.finding import Found  # noqa: E402
from perennial.watching.channels.measured import reference_of  # noqa: E402
from perennial.watching.channels.multivariate import multivariate  # noqa: E402
from perennial.watching.channels.predictions import score_changes  # noqa: E402
from perennial.watching.overdue import overdue  # noqa: E402
from perennial.watching.profile import evaluated  # noqa: E402
from perennial.watching.statistics.calibrator import fitted_calibrator  # noqa: E402
from perennial.watching.statistics.counting import row_days  # noqa: E402
from perennial.watching.statistics.pca import fitted_directions  # noqa: E402

DAYS, NEWEST, TOLERANCE = 240, 28, 0.10
LATE, WARNS, HELD = 10, 17, 25
"""Weeks of the contract's drawing."""
WIDTH, HEIGHT = 640, 150
BLUE, ORANGE, GREY = "#1f6feb", "#d9730d", "#8b949e"
LOG_LOSS = load_metric("log_loss")
CALENDAR = "points not as agreed"
BEFORE = slice(0, REFERENCE_DAYS)


def rows_of(whole: Stream, days: slice) -> np.ndarray:
    """Positions of the rows of some days of the stream."""
    return np.flatnonzero((whole.day >= days.start) & (whole.day < days.stop))


def periods() -> Iterator[tuple[int, slice]]:
    """The last day since the release, and the days of the stream, of each newest `NEWEST` days, a week apart."""
    for end in range(NEWEST, DAYS + 1, 7):
        yield end, slice(REFERENCE_DAYS + end - NEWEST, REFERENCE_DAYS + end)


def chance(score: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-score)))


def log_odds(whole: Stream) -> np.ndarray:
    return np.asarray(np.log(whole.predicted / (1 - whole.predicted)))


def since_change(whole: Stream) -> np.ndarray:
    return np.asarray(whole.day >= REFERENCE_DAYS + CHANGE_DAY)


def of_calibration() -> Iterator[tuple[int, Found]]:
    """From the change on the label is more frequent than predicted."""
    whole = stream("correlated", 7, days=DAYS)
    draw = np.random.default_rng(0)
    labels = (draw.random(whole.day.size) < chance(log_odds(whole) + 0.8 * since_change(whole))).astype(float)
    for end, days in periods():
        rows = rows_of(whole, days)
        clusters = Clusters(whole.day[rows] - days.start)
        yield end, calibration(labels[rows], whole.predicted[rows], clusters, classes=(0, 1), tolerance=TOLERANCE)


def of_business() -> Iterator[tuple[int, Found]]:
    """A call on a chance above one half brings 10 if the label comes, and costs 4 if not. The loss rises by 25 %."""
    whole = stream("correlated", 7, days=DAYS, change="+25 %")

    def saved(y: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(((p > 0.5) & (y == 1)) * 10.0 - ((p > 0.5) & (y == 0)) * 4.0)

    metric = worth(saved, ("binary",), name="saved")
    rows = rows_of(whole, BEFORE)
    known = reference_of(metric, whole.labels[rows], whole.predicted[rows], Clusters(whole.day[rows]))
    for end, days in periods():
        rows = rows_of(whole, days)
        clusters = Clusters(whole.day[rows] - days.start)
        yield (
            end,
            business(
                whole.labels[rows],
                whole.predicted[rows],
                clusters,
                known,
                metric=metric,
                tolerance=TOLERANCE,
                days=NEWEST,
            ),
        )


def of_estimated_loss() -> Iterator[tuple[int, Found]]:
    """From the change on the feature that decides varies less, so that the model is less sure."""
    whole, predicted = _less_sure()
    rows = rows_of(whole, BEFORE)
    known = reference_of(LOG_LOSS, whole.labels[rows], predicted[rows], Clusters(whole.day[rows]))
    calibrator = fitted_calibrator(whole.labels[rows], predicted[rows])
    assert isinstance(known, Reference) and calibrator is not None
    for end, days in periods():
        rows = rows_of(whole, days)
        codes = whole.day[rows] - days.start
        yield (
            end,
            estimated_loss(
                predicted[rows], codes, known, metric=LOG_LOSS, calibrators=(calibrator,), tolerance=TOLERANCE
            ),
        )


def of_predictions() -> Iterator[tuple[int, Found]]:
    """The same stream."""
    whole, predicted = _less_sure()
    rows = rows_of(whole, BEFORE)
    profile = evaluated(
        [whole.rows.iloc[rows]],
        row_days(whole.day[rows]),
        whole.labels[rows],
        predicted[rows],
        LOG_LOSS,
        {},
        (0, 1),
        numbers=False,
        clusters=Clusters(whole.day[rows]),
        worths={},
    )
    for end, days in periods():
        rows = rows_of(whole, days)
        (change,) = score_changes(profile, predicted[rows], row_days(whole.day[rows]), (0, 1)) or []
        alarm = change.psi > change.threshold
        yield end, Found(change.psi, change.threshold, alarm, not alarm, "")


def _less_sure() -> tuple[Stream, np.ndarray]:
    whole = stream("correlated", 7, days=DAYS)
    return whole, chance(log_odds(whole) * np.where(since_change(whole), 0.5, 1.0))


def of_multivariate() -> Iterator[tuple[int, Found]]:
    """From the change on three features that went together no longer do; each by itself is as before."""
    whole = stream("calm", 7, days=DAYS)
    shared, noise = np.random.default_rng(0).normal(0, 1, (2, whole.day.size))
    apart = np.where(since_change(whole), noise, shared)
    inputs = pd.DataFrame({"a": shared, "b": 0.9 * apart + 0.44 * whole.rows["x"], "c": whole.rows["z"]})
    rows = rows_of(whole, BEFORE)
    reference = fitted_directions(inputs.iloc[rows], whole.day[rows])
    for end, days in periods():
        yield end, multivariate(reference, inputs.iloc[rows_of(whole, days)], NEWEST)


def of_age() -> Iterator[tuple[int, Found]]:
    """A champion that is replaced on day 120, under `release.refresh_after: 90d`."""
    for day in range(0, DAYS, 2):
        yield day, age(day if day < CHANGE_DAY else day - CHANGE_DAY, 90)


def of_contract() -> Iterator[tuple[int, Found]]:
    """A batch per week, a day after its end. One is late, one fails two checks that warn, one is held."""
    begin, came = datetime(2024, 1, 1, tzinfo=UTC), list[BatchEntry]()
    arrivals = {week * 7 + 8 + (6 if week == LATE else 0): week for week in range(DAYS // 7)}
    for day in range(DAYS):
        if day in arrivals:
            came.append(weekly(begin, arrivals[day], day))
        if came:
            late = overdue(came, begin + timedelta(days=day), cut="week", timezone="UTC")
            yield day, contract(came[-1], late)


def weekly(begin: datetime, week: int, arrived: int) -> BatchEntry:
    start, held, warns = begin + timedelta(days=7 * week), week == HELD, week == WARNS
    return BatchEntry(
        batch=str(week),
        window=f"{start:%Y-%m-%d}",
        start=write_instant(start),
        end=write_instant(start + timedelta(days=7)),
        revision=1,
        landing="",
        digest="",
        arrived_at=write_instant(begin + timedelta(days=arrived)),
        status="held" if held else "accepted",
        rows=Rows(arrived=1000, accepted=0 if held else 1000, quarantined=0, unlabelled=0),
        quarantine=(),
        warnings=("mean of price", "share of missing weights") if warns else (),
        held_because=("the column price is missing",) if held else (),
        extra_columns=(),
        table_version=None,
        quarantine_version=None,
        declaration_digest="",
    )


DRAWN: dict[str, tuple[str, Callable[[], Iterator[tuple[int, Found]]]]] = {
    "calibration": ("gap of the means", of_calibration),
    "business": ("value per day", of_business),
    "estimated_loss": ("worse by, log loss", of_estimated_loss),
    "predictions": ("PSI", of_predictions),
    "multivariate": ("reconstruction error", of_multivariate),
    "age": ("days", of_age),
    "contract": (CALENDAR, of_contract),
}


def drawing(unit: str, found: Iterator[tuple[int, Found]]) -> alt.LayerChart:
    """The statistic and its threshold, the change, and the periods with an alarm as filled points."""
    rows = [(day, each.value, each.threshold, each.alarm) for day, each in found if each.value is not None]
    frame = pd.DataFrame(rows, columns=["day", "statistic", "threshold", "alarm"])
    axis = alt.X("day:Q", title="day since the release", scale=alt.Scale(domain=[0, DAYS]))
    height = alt.Y("statistic:Q", title=unit, scale=alt.Scale(zero=False))
    line = alt.Chart(frame).mark_line(color=BLUE).encode(x=axis, y=height)
    alarms = alt.Chart(frame[frame["alarm"]]).mark_point(color=ORANGE, filled=True, size=40).encode(x=axis, y=height)
    limit = (
        alt.Chart(frame).mark_line(color=ORANGE, strokeDash=[6, 3]).encode(x=axis, y=alt.Y("threshold:Q", title=unit))
    )
    change = alt.Chart(pd.DataFrame({"day": [CHANGE_DAY]})).mark_rule(strokeDash=[4, 4], color=GREY).encode(x="day:Q")
    changes = [] if unit == CALENDAR else [change]
    return alt.layer(limit, line, alarms, *changes).properties(width=WIDTH, height=HEIGHT)


def main() -> None:
    """Write one SVG for each page."""
    for name, (unit, find) in DRAWN.items():
        drawing(unit, find()).configure(background="transparent").configure_axis(
            labelColor=GREY, titleColor=GREY, gridColor=GREY, gridOpacity=0.3, domainColor=GREY, tickColor=GREY
        ).configure_view(stroke=None).save(str(HERE / f"{name}.svg"))


if __name__ == "__main__":
    main()
