"""All statistical channels on weekly batches: false-alarm episodes per year, and days until a change is found by delay.

    python benchmarks/watched_weekly.py --streams 12 --changed 6 --processes 2 --keep results.jsonl

Each finished stream is a line in the kept file: a run that was stopped goes on, and `--streams 0 --changed 0` prints
the tables of what is there.

Streams: see `watched_streams.py`; 60 rows per day, watched every 7 days with the package's own channels. The 56 days
before the release are the champion's training and evaluation rows. Channels on inputs look at the batch of the week;
channels on labels look at the newest 28 days of which the labels are known on the day of watching, which is 0, 7 or 45
days after the event. Beside them are the usual checks of inputs: Kolmogorov–Smirnov p < .05, PSI > .1 and PSI > .2.

An episode opens with an alarm, lasts at least 14 days and closes after 7 days back to normal, as in the package.
`contract` is left out: its alarms are failed checks of the declaration, so a stream that passes them has none. `age` is
a calendar. The value of `business` is what a decision at a probability of one half is worth.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from watched_changes import fixed_psi, significant  # noqa: E402
from watched_streams import CHANGE_DAY, CHANGES, INPUT_CHANGES, KINDS, REFERENCE_DAYS, Stream, stream  # noqa: E402
from watching import DAYS_WITHOUT, gaps  # noqa: E402

from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.metrics.metric import Metric  # noqa: E402
from perennial.evaluation.paired import Clusters  # noqa: E402
from perennial.watching.channels.business import business  # noqa: E402
from perennial.watching.channels.calibration import calibration  # noqa: E402
from perennial.watching.channels.estimated_loss import estimated_loss  # noqa: E402
from perennial.watching.channels.features import feature_changes, features_finding  # noqa: E402
from perennial.watching.channels.level import level  # noqa: E402
from perennial.watching.channels.measured import reference_of  # noqa: E402
from perennial.watching.channels.multivariate import multivariate  # noqa: E402
from perennial.watching.channels.predictions import score_changes  # noqa: E402
from perennial.watching.channels.unseen import unseen  # noqa: E402
from perennial.watching.e_sr import spread  # noqa: E402
from perennial.watching.gap_statistic import course  # noqa: E402
from perennial.watching.profile import evaluated  # noqa: E402
from perennial.watching.statistics.counting import row_days  # noqa: E402
from perennial.watching.statistics.frames import grids_of  # noqa: E402
from perennial.watching.statistics.pca import fitted_directions  # noqa: E402
from tests.watching.counted_inputs import count_inputs  # noqa: E402

INPUTS = ("unseen", "features", "predictions", "estimated_loss", "multivariate", "KS p < .05", "PSI > .1", "PSI > .2")
LABELS = ("gap", "level", "calibration", "business")
DELAYS, WEEK, WINDOW, AFTER = (0, 7, 45), 7, 28, 240
TOLERANCE = 0.25
Results = dict[str, list[int]]
"""Channel, or channel and delay, → days since the release on which an episode opened."""


@dataclass
class Course:
    """The episodes of one channel."""

    opened: list[int]
    since: int | None = None
    not_back: int = 0

    def at(self, day: int, alarm: bool, back: bool) -> None:
        """A finding. Neither an alarm nor back: it changes nothing but when it was last not back."""
        if not back:
            self.not_back = day
        if alarm and self.since is None:
            self.since = day
            self.opened.append(day)
        elif back and self.since is not None and day - self.since >= 14 and day - max(self.not_back, self.since) >= 7:
            self.since = None


def worth(y: np.ndarray, p: np.ndarray) -> tuple[float, np.ndarray]:
    """A right decision is worth 1, a wrong one nothing; the mean and each row's influence."""
    right = ((p > 0.5) == (y > 0.5)).astype(float)
    return float(right.mean()), right - right.mean()


WORTH = Metric("worth", ("binary",), "higher", worth, lambda y, a, b: None)


def on_inputs(each: Stream) -> Results:
    """The episodes of the channels and checks that need no labels."""
    metric, names = load_metric("log_loss"), list(each.rows.columns)
    then = each.day < REFERENCE_DAYS
    reference_rows, days = each.rows[then].reset_index(drop=True), row_days(each.day[then])
    grids = grids_of(reference_rows)
    trained = count_inputs(reference_rows, days, grids)
    labels, predicted, clusters = each.labels[then], each.predicted[then], Clusters(each.day[then])
    reference = reference_of(metric, labels, predicted, clusters)
    profile = evaluated(
        [reference_rows], days, labels, predicted, metric, grids, (0, 1), numbers=False, clusters=clusters, worths={}
    )
    assert reference is not None and profile.calibrators is not None
    directions = fitted_directions(reference_rows, days.codes)
    seen = {"carrier": set(reference_rows["carrier"])}
    usual = {"KS p < .05": significant, "PSI > .1": fixed_psi(0.1), "PSI > .2": fixed_psi(0.2)}
    before = reference_rows.assign(day=each.day[then])
    courses = {name: Course([]) for name in INPUTS}
    for end in range(REFERENCE_DAYS + WEEK, int(each.day[-1]) + 2, WEEK):
        mine = (each.day >= end - WEEK) & (each.day < end)
        rows, of_week, scores = each.rows[mine].reset_index(drop=True), row_days(each.day[mine]), each.predicted[mine]
        changes = feature_changes(trained, count_inputs(rows, of_week, grids), grids, {}, {})
        moved = score_changes(profile, scores, of_week, (0, 1))
        assert changes is not None and moved is not None
        found: dict[str, Any] = {
            "unseen": unseen([{"carrier": rows["carrier"].tolist()}], seen, tolerated=0.05),
            "features": features_finding(changes, "log_loss", 0),
            "predictions": features_finding(moved, "log_loss", 0),
            "estimated_loss": estimated_loss(
                scores, of_week.codes, reference, metric=metric, calibrators=profile.calibrators, tolerance=TOLERANCE
            ),
            "multivariate": multivariate(directions, rows[names], of_week.days.size),
        }
        at = end - REFERENCE_DAYS
        for name, finding in found.items():
            courses[name].at(at, finding.alarm, finding.back)
        week = rows.assign(day=each.day[mine])
        for name, check in usual.items():
            rings = check(before, week)
            courses[name].at(at, rings, not rings)
    return {name: course.opened for name, course in courses.items()}


def on_labels(each: Stream, delays: tuple[int, ...], *, with_gap: bool) -> Results:
    """The episodes of the channels on labels, for each delay; the gap's false alarms are measured in `watching.py`.

    The gap of a day is measured once, when its labels are known, with a shadow of the days before it: it is the same
    whenever that is. So it is computed once here, and each delay sees the days whose labels are known.
    """
    metric = load_metric("log_loss")
    then = each.day < REFERENCE_DAYS
    clusters = Clusters(each.day[then])
    reference = reference_of(metric, each.labels[then], each.predicted[then], clusters)
    of_worth = reference_of(WORTH, each.labels[then], each.predicted[then], clusters)
    assert reference is not None
    rows = np.flatnonzero(~then)
    day, labels, predicted = each.day[rows] - REFERENCE_DAYS, each.labels[rows], each.predicted[rows]
    opened: list[int] = []
    if with_gap:
        shares, first = gaps(each, rows, day, labels, predicted, reference)
        opened = [first + int(at) for at in course(shares[first:], sd=spread(shares[:first])).opened]
    results: Results = {}
    for delay in delays:
        found = {name: Course([]) for name in LABELS[1:]}
        ends = range(WEEK, int(day[-1]) + 2, WEEK)
        # An episode of the gap is seen on the first day of watching on which its day has labels.
        seen = [-(-(at + 1 + delay) // WEEK) * WEEK for at in opened]
        if with_gap:
            results[f"gap {delay}"] = [at for at in seen if at <= ends[-1]]
        for end in ends:
            known = (day < end - delay) & (day >= end - delay - WINDOW)
            if not known.any() or end - delay < WINDOW:
                continue
            y, p, by_day = labels[known], predicted[known], Clusters(day[known] - day[known][0])
            level_now = level(y, p, by_day, reference, metric=metric, tolerance=TOLERANCE)
            found["level"].at(end, level_now.alarm, level_now.back)
            calibrated = calibration(y, p, by_day, classes=(0, 1), tolerance=TOLERANCE)
            found["calibration"].at(end, calibrated.alarm, calibrated.back)
            valued = business(y, p, by_day, of_worth, metric=WORTH, tolerance=TOLERANCE, days=WINDOW)
            found["business"].at(end, valued.alarm, valued.back)
        results |= {f"{name} {delay}": each.opened for name, each in found.items()}
    return results


def one(task: tuple[str, str | None, int], *, with_gap: bool) -> Results:
    """One stream, watched by every channel."""
    kind, change, seed = task
    days = DAYS_WITHOUT if change is None else CHANGE_DAY + AFTER
    made = stream(kind, seed if change is None else 10_000 + seed, days=days, change=change)
    return on_inputs(made) | on_labels(made, DELAYS if change else (0,), with_gap=with_gap)


def rate(results: list[Results], channel: str) -> str:
    """Episodes per year with the exact Poisson interval (Garwood 1936)."""
    count, years = sum(len(each[channel]) for each in results), len(results) * DAYS_WITHOUT / 365
    low = stats.chi2.ppf(0.025, 2 * count) / 2 / years if count else 0.0
    high = stats.chi2.ppf(0.975, 2 * count + 2) / 2 / years
    return f"{count / years:.2f} ({low:.2f} to {high:.2f})"


def found_after(results: list[Results], channel: str) -> str:
    """Days from the change to the episode: median (10 % to 90 %), of the streams without one already open or recent."""
    days = []
    for each in results:
        if any(CHANGE_DAY - 14 <= at < CHANGE_DAY for at in each[channel]):
            continue
        later = [at - CHANGE_DAY for at in each[channel] if at >= CHANGE_DAY]
        days.append(later[0] if later else np.inf)
    if not days:
        return "–"
    low, middle, high = (np.quantile(days, q, method="inverted_cdf") for q in (0.1, 0.5, 0.9))
    shown = [f"{value:.0f}" if np.isfinite(value) else f"> {AFTER}" for value in (middle, low, high)]
    few = f", {len(days)} streams" if len(days) < len(results) else ""
    return f"{shown[0]} ({shown[1]} to {shown[2]}{few})"


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=12, help="per kind without a change")
    parser.add_argument("--changed", type=int, default=12, help="per change")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--gap", action="store_true", help="watch the gap as well, which takes most of the time")
    parser.add_argument("--keep", type=Path, required=True, help="a file of results, continued if it is there")
    asked = parser.parse_args()
    every = [*CHANGES, *INPUT_CHANGES]
    tasks: list[tuple[str, str | None, int]] = [(kind, None, n) for n in range(asked.streams) for kind in KINDS]
    tasks += [("correlated", change, n) for n in range(asked.changed) for change in every]
    kept = [json.loads(line) for line in asked.keep.read_text().splitlines()] if asked.keep.exists() else []
    done = {tuple(task): results for task, results in kept}
    with ProcessPoolExecutor(asked.processes) as pool, asked.keep.open("a") as file:
        running = {
            pool.submit(one, task, with_gap=asked.gap and task[1] is not None): task
            for task in tasks
            if task not in done
        }
        for future in as_completed(running):
            done[running[future]] = future.result()
            file.write(json.dumps([running[future], future.result()]) + "\n")
            file.flush()
    by: dict[tuple[str, str | None], list[Results]] = {}
    for kind, change, n in sorted(done, key=str):
        by.setdefault((kind, change), []).append(done[kind, change, n])
    without = [kind for kind in KINDS if (kind, None) in by]
    if without:
        years = min(len(by[kind, None]) for kind in without) * DAYS_WITHOUT / 365
        print(f"False-alarm episodes per year (95 % interval), at least {years:.0f} stream-years per kind\n")
        print(f"| channel | {' | '.join(without)} |\n|---|{'---|' * len(without)}")
        for name in [*INPUTS[:5], *(f"{each} 0" for each in LABELS[1:]), *INPUTS[5:]]:
            print(f"| {name.removesuffix(' 0')} | {' | '.join(rate(by[kind, None], name) for kind in without)} |")
    changed = [change for change in every if ("correlated", change) in by]
    if changed:
        streams = min(len(by["correlated", change]) for change in changed)
        print(f"\nDays until found, at least {streams} streams per change: median (10 % to 90 %)\n")
        print(f"| channel | label delay, days | {' | '.join(changed)} |\n|---|---:|{'---|' * len(changed)}")
        for name, delay, key in [
            *(
                (each, str(delay), f"{each} {delay}")
                for each in LABELS
                for delay in DELAYS
                if asked.gap or each != "gap"
            ),
            *((each, "any", each) for each in INPUTS[:5]),
        ]:
            cells = [found_after(by["correlated", change], key) for change in changed]
            print(f"| {name} | {delay} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
