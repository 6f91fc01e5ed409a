"""Channels on the loss: false alarms per year without a change, and days until a change is found.

    python benchmarks/watching.py                 # 24 streams per kind; about 25 minutes on one core
    python benchmarks/watching.py --streams 2     # a quick look

Streams: see `watched_streams.py`; 60 rows per day, watched daily. Channels: `gap` and `level` are the package's code;
`e-SR alone` is the gap without its confirming interval. Beside them, on the same losses: Page–Hinkley as River has it
by default (δ = 0.005, λ = 50, each row's log loss; Page 1954) and CUSUM (k = 0.5, h = 5 standard deviations of the
reference's day means; Montgomery 2013, Introduction to Statistical Quality Control, ch. 9). Each starts again after an
alarm.

Labels are known at once; `watched_weekly.py` simulates delays. Rates have an exact Poisson interval. A change that is
not found in 240 days counts as longer than that; a stream in which an episode was open already when it
set in is left out of the days until found.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from watched_streams import CHANGE_DAY, CHANGES, KINDS, REFERENCE_DAYS, Stream, stream  # noqa: E402

from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.metrics.log_loss import log_loss  # noqa: E402
from perennial.evaluation.paired import Clusters  # noqa: E402
from perennial.watching.after_release import AfterRelease  # noqa: E402
from perennial.watching.channels.level import level  # noqa: E402
from perennial.watching.channels.measured import reference_of  # noqa: E402
from perennial.watching.e_sr import alarm_days, spread  # noqa: E402
from perennial.watching.gap_days import gap_days  # noqa: E402
from perennial.watching.gap_statistic import course  # noqa: E402
from perennial.watching.row_loss import row_loss  # noqa: E402

CHANNELS = ("gap", "e-SR alone", "level", "level, page", "Page–Hinkley", "CUSUM on loss")
DAYS_WITHOUT, DAYS_WITH = 420, CHANGE_DAY + 240
FIRST = np.datetime64("2024-01-01")


@dataclass(frozen=True)
class Alarms:
    """Channel → days since the release on which an episode opened. days: that were watched."""

    by_channel: dict[str, list[int]]
    days: int


class AsTheyAre:
    """In place of a recipe: the model's input is the rows."""

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows


def watched(each: Stream) -> Alarms:
    """Every channel on one stream."""
    after = each.day >= REFERENCE_DAYS
    metric = load_metric("log_loss")
    before = np.flatnonzero(~after)
    reference = reference_of(metric, each.labels[before], each.predicted[before], Clusters(each.day[before]))
    assert reference is not None
    rows = np.flatnonzero(after)
    day = each.day[rows] - REFERENCE_DAYS
    labels, predicted = each.labels[rows], each.predicted[rows]
    mean, influence = log_loss(labels, predicted)
    losses = mean + influence
    days = int(day[-1]) + 1
    shares, first = gaps(each, rows, day, labels, predicted, reference)
    sd, tested = spread(shares[:first]), shares[first:]
    before_mean, before_influence = log_loss(each.labels[before], each.predicted[before])
    usual = np.bincount(each.day[before], before_mean + before_influence) / np.bincount(each.day[before])
    of_day = np.bincount(day, losses) / np.bincount(day)
    opened, paged = levels(labels, predicted, day, reference, metric)
    return Alarms(
        {
            "gap": [first + int(at) for at in course(tested, sd=sd).opened],
            "e-SR alone": [first + at for at in alarm_days(tested, sd=sd)],
            "level": opened,
            "level, page": paged,
            "Page–Hinkley": [int(day[at]) for at in page_hinkley(losses)],
            "CUSUM on loss": cusum((of_day - usual.mean()) / usual.std(ddof=1)),
        },
        days,
    )


def gaps(
    each: Stream, rows: np.ndarray, day: np.ndarray, labels: np.ndarray, predicted: np.ndarray, reference: Any
) -> tuple[np.ndarray, int]:
    """The gap of each day as a share of the reference, and how many of the days are the warm-up."""
    dates = FIRST + day
    counts = np.bincount(day)
    after = AfterRelease(
        rows=each.rows.iloc[rows].reset_index(drop=True),
        days=dates,
        known=(dates + np.timedelta64(1, "D")).astype("datetime64[us]"),
        labels=labels,
        predicted=predicted,
        rows_of_day={FIRST + n: int(count) for n, count in enumerate(counts)},
    )
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=len(counts) + 1)
    measured = gap_days(after, (), AsTheyAre(), row_loss("binary", reference), at)  # type: ignore[arg-type]
    gap = np.array([one.gap for one in measured.days]) / reference.value
    return gap, sum(one.warm_up for one in measured.days)


def levels(
    labels: np.ndarray, predicted: np.ndarray, day: np.ndarray, reference: Any, metric: Any
) -> tuple[list[int], list[int]]:
    """Days on which a level episode opens, and on which it becomes a page; the newest 28 days, watched each day."""
    opened, paged, since, calm, risen = [], [], None, 0, False
    ends = np.searchsorted(day, np.arange(int(day[-1]) + 2))
    for now in range(27, int(day[-1]) + 1):
        some = slice(ends[now - 27], ends[now + 1])
        finding = level(
            labels[some], predicted[some], Clusters(day[some] - day[some][0]), reference, metric=metric, tolerance=0.25
        )
        if since is None and finding.alarm:
            since, calm, risen = now, 0, False
            opened.append(now)
        elif since is not None:
            large = finding.lower_bound is not None and finding.lower_bound > 2 * finding.threshold
            if finding.alarm and large and now - since >= 14 and not risen:
                risen = True
                paged.append(now)
            calm = calm + 1 if finding.back else 0
            if calm >= 7 and now - since >= 14:
                since = None
    return opened, paged


def page_hinkley(losses: np.ndarray, delta: float = 0.005, limit: float = 50.0, fewest: int = 30) -> list[int]:
    """Positions of the rows at which Page–Hinkley rings, as in River 0.22's `PageHinkley` for increases (α = 1)."""
    alarms, start = [], 0
    while start < len(losses):
        rest = losses[start:]
        means = np.cumsum(rest) / np.arange(1, rest.size + 1)
        sums = np.cumsum(rest - means - delta)
        rings = np.flatnonzero((sums - np.minimum.accumulate(sums) > limit) & (np.arange(rest.size) >= fewest))
        if not rings.size:
            break
        alarms.append(start + int(rings[0]))
        start += int(rings[0]) + 1
    return alarms


def cusum(standardised: np.ndarray, k: float = 0.5, h: float = 5.0) -> list[int]:
    """Days on which a one-sided CUSUM rings."""
    alarms, total = [], 0.0
    for day, value in enumerate(standardised):
        total = max(0.0, total + value - k)
        if total > h:
            alarms.append(day)
            total = 0.0
    return alarms


def one(task: tuple[str, str | None, int]) -> Alarms:
    """One stream, watched by every channel."""
    kind, change, seed = task
    days = DAYS_WITHOUT if change is None else DAYS_WITH
    return watched(stream(kind, seed if change is None else 10_000 + seed, days=days, change=change))


def rate(alarms: list[Alarms], channel: str) -> str:
    """Alarms per year with the exact Poisson interval (Garwood 1936)."""
    count, years = sum(len(each.by_channel[channel]) for each in alarms), sum(each.days for each in alarms) / 365
    low = stats.chi2.ppf(0.025, 2 * count) / 2 / years if count else 0.0
    high = stats.chi2.ppf(0.975, 2 * count + 2) / 2 / years
    return f"{count / years:.2f} ({low:.2f} to {high:.2f})"


def found(alarms: list[Alarms], channel: str) -> str:
    """Days from the change to the alarm: median (10 % to 90 % of the streams)."""
    days = []
    for each in alarms:
        opened = each.by_channel[channel]
        if any(CHANGE_DAY - 14 <= at < CHANGE_DAY for at in opened):
            continue
        later = [at - CHANGE_DAY for at in opened if at >= CHANGE_DAY]
        days.append(later[0] if later else np.inf)
    if not days:
        return "–"
    low, middle, high = (np.quantile(days, q, method="inverted_cdf") for q in (0.1, 0.5, 0.9))
    return f"{_days(middle)} ({_days(low)} to {_days(high)})"


def _days(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "> 240"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=24, help="per kind, and per change")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    tasks: list[tuple[str, str | None, int]] = [(kind, None, n) for kind in KINDS for n in range(asked.streams)]
    tasks += [("correlated", change, n) for change in CHANGES for n in range(asked.streams)]
    with ProcessPoolExecutor(asked.processes) as pool:
        results = list(pool.map(one, tasks))
    by: dict[tuple[str, str | None], list[Alarms]] = {}
    for (kind, change, _), alarms in zip(tasks, results, strict=True):
        by.setdefault((kind, change), []).append(alarms)
    years = asked.streams * DAYS_WITHOUT / 365
    print(f"False alarms per year (95 % interval), {years:.0f} stream-years per kind\n")
    print(f"| channel | {' | '.join(KINDS)} |\n|---|{'---|' * len(KINDS)}")
    for channel in CHANNELS:
        print(f"| {channel} | {' | '.join(rate(by[kind, None], channel) for kind in KINDS)} |")
    print(f"\nDays until found, {asked.streams} streams per change: median (10 % to 90 %)\n")
    print(f"| channel | {' | '.join(CHANGES)} |\n|---|{'---|' * len(CHANGES)}")
    for channel in CHANNELS:
        print(f"| {channel} | {' | '.join(found(by['correlated', change], channel) for change in CHANGES)} |")


if __name__ == "__main__":
    main()
