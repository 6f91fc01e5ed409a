"""Usual checks on the weekly streams of `watched_weekly.py`: false alarms per year, and days until a change is found.

    python benchmarks/watched_usual.py --streams 12     # three minutes of CPU

Of the inputs of a week, against the 56 days before the release: Kolmogorov–Smirnov or χ² p < .05, PSI > .1, PSI > .2.
Of the loss, once its labels are known, 0, 7 or 45 days after the event: Page–Hinkley and CUSUM as in `watching.py`.
They start again after an alarm and go from day to day, so a delay moves their alarms; an alarm is seen on the next day
of watching. Episodes open and close as in `watched_weekly.py`. A stream in which an episode is open when the change
sets in, or began in the two weeks before it, cannot show when the change is found; the number of the others is stated.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from watched_changes import fixed_psi, significant  # noqa: E402
from watched_streams import CHANGE_DAY, CHANGES, INPUT_CHANGES, KINDS, REFERENCE_DAYS, Stream, stream  # noqa: E402
from watched_weekly import AFTER, DELAYS, WEEK, Course, found_after, rate  # noqa: E402
from watching import DAYS_WITHOUT, cusum, page_hinkley  # noqa: E402

from perennial.evaluation.metrics.log_loss import log_loss  # noqa: E402

INPUTS = {"KS / χ² p < .05": significant, "PSI > .1": fixed_psi(0.1), "PSI > .2": fixed_psi(0.2)}
LOSSES = ("Page–Hinkley", "CUSUM on loss")


@dataclass(frozen=True)
class Usual:
    """Check, or check and delay → days on which an episode opened; and whether one is open when the change sets in."""

    opened: dict[str, list[int]]
    open_at_change: dict[str, bool]


def rings_of_inputs(each: Stream) -> dict[str, set[int]]:
    """Check → the days of watching on which it rings."""
    then = each.day < REFERENCE_DAYS
    before = each.rows[then].assign(day=each.day[then])
    rings: dict[str, set[int]] = {name: set() for name in INPUTS}
    for end in weeks(each):
        mine = (each.day >= REFERENCE_DAYS + end - WEEK) & (each.day < REFERENCE_DAYS + end)
        week = each.rows[mine].assign(day=each.day[mine])
        for name, check in INPUTS.items():
            rings[name] |= {end} if check(before, week) else set()
    return rings


def rings_of_losses(each: Stream) -> dict[str, set[int]]:
    """Check and delay → the days of watching on which it rings."""
    then = each.day < REFERENCE_DAYS
    before, losses = _losses(each, then), _losses(each, ~then)
    day = each.day[~then] - REFERENCE_DAYS
    usual = np.bincount(each.day[then], before) / np.bincount(each.day[then])
    of_day = np.bincount(day, losses) / np.bincount(day)
    alarms = {
        "Page–Hinkley": [int(day[at]) for at in page_hinkley(losses)],
        "CUSUM on loss": cusum((of_day - usual.mean()) / usual.std(ddof=1)),
    }
    return {
        f"{name} {delay}": {-(-(at + 1 + delay) // WEEK) * WEEK for at in alarms[name]}
        for name in LOSSES
        for delay in DELAYS
    }


def _losses(each: Stream, rows: np.ndarray) -> np.ndarray:
    mean, influence = log_loss(each.labels[rows], each.predicted[rows])
    return mean + influence


def weeks(each: Stream) -> range:
    """The days of watching, after the release."""
    return range(WEEK, int(each.day[-1]) - REFERENCE_DAYS + 2, WEEK)


def one(task: tuple[str, str | None, int]) -> Usual:
    """One stream, watched by every check."""
    kind, change, seed = task
    days = DAYS_WITHOUT if change is None else CHANGE_DAY + AFTER
    each = stream(kind, seed if change is None else 10_000 + seed, days=days, change=change)
    found = Usual({}, {})
    for name, rings in (rings_of_inputs(each) | rings_of_losses(each)).items():
        course, open_then = Course([]), False
        for end in weeks(each):
            if end >= CHANGE_DAY > end - WEEK:
                open_then = course.since is not None
            course.at(end, end in rings, end not in rings)
        found.opened[name], found.open_at_change[name] = course.opened, open_then
    return found


def found(results: list[Usual], name: str) -> str:
    """Days from the change to the episode, of the streams without one open or recent."""
    free = [each.opened for each in results if not each.open_at_change[name]]
    left = [each for each in free if not any(CHANGE_DAY - 14 <= at < CHANGE_DAY for at in each[name])]
    return f"{found_after(left, name)}; {len(left)}" if left else "–; 0"


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=12, help="per kind, and per change")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    every = [*CHANGES, *INPUT_CHANGES]
    tasks: list[tuple[str, str | None, int]] = [(kind, None, n) for kind in KINDS for n in range(asked.streams)]
    tasks += [("correlated", change, n) for change in every for n in range(asked.streams)]
    by: dict[tuple[str, str | None], list[Usual]] = {}
    with ProcessPoolExecutor(asked.processes) as pool:
        for (kind, change, _), usual in zip(tasks, pool.map(one, tasks), strict=True):
            by.setdefault((kind, change), []).append(usual)
    print(
        f"Episodes per year without a change (95 % interval), {asked.streams * DAYS_WITHOUT / 365:.0f} stream-years\n"
    )
    print(f"| check | {' | '.join(KINDS)} |\n|---|{'---|' * len(KINDS)}")
    for name in [*INPUTS, *(f"{each} 0" for each in LOSSES)]:
        cells = [rate([each.opened for each in by[kind, None]], name) for kind in KINDS]
        print(f"| {name.removesuffix(' 0')} | {' | '.join(cells)} |")
    print(f"\nDays until found: median (10 % to 90 %); streams of {asked.streams} that can show it\n")
    print(f"| check | label delay, days | {' | '.join(every)} |\n|---|---:|{'---|' * len(every)}")
    rows = [(name, "any", name) for name in INPUTS]
    rows += [(name, str(delay), f"{name} {delay}") for name in LOSSES for delay in DELAYS]
    for name, delay, key in rows:
        print(f"| {name} | {delay} | {' | '.join(found(by['correlated', change], key) for change in every)} |")


if __name__ == "__main__":
    main()
