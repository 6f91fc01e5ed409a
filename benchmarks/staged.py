"""What the tests of a staged release find on simulated stages, and how often they stop a model that is no worse.

    python benchmarks/staged.py            # all cells, one process, 90 seconds of CPU
    python benchmarks/staged.py --quick    # a tenth of the repetitions, seconds

Every stage lasts 28 days and is looked at as the flow does it: `look_at` on what is known on that day, the information
of earlier looks passed on. Days of paired losses follow an AR(1) with coefficient ρ. A harm is given in standard errors
of the mean of 28 such days. Counts are looked at after every event. Intervals are Clopper-Pearson at 95 %; each cell
has its own seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from math import log
from pathlib import Path
from time import process_time
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.evaluation.arrays import FloatArray  # noqa: E402
from perennial.evaluation.judgement import Asked  # noqa: E402
from perennial.evaluation.paired import paired  # noqa: E402
from perennial.evaluation.staged.counts import OF_EVENTS, OF_KEYS, log_e_value  # noqa: E402
from perennial.evaluation.staged.evidence import (  # noqa: E402
    ArmLabels,
    Evidence,
    Feedback,
    Labelled,
    Traffic,
    Values,
)
from perennial.evaluation.staged.looks import Due, planned_look_days  # noqa: E402
from perennial.evaluation.staged.split import feedback  # noqa: E402
from perennial.evaluation.staged.verdict import look_at  # noqa: E402

DAYS = 28
A_DAY = 1_000
SHARE = 0.1
METRICS = (Asked("mae", "primary"),)
GUARDED = (Asked("mae", "primary"), Asked("rmse", "guard", margin=None))
QUIET = Traffic(
    champion_records=27_000,
    candidate_records=3_000,
    champion_keys=27_000,
    candidate_keys=3_000,
    champion_asked=30_000,
    candidate_asked=30_000,
    both_scored=30_000,
)

Row = tuple[str, str, str, str]


def share_of(hits: int, of: int) -> str:
    """A share in percent, with its interval."""
    interval = binomtest(hits, of).proportion_ci()
    return f"{100 * hits / of:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def middle_of(numbers: npt.NDArray[np.int64]) -> str:
    """The median, with the range of the middle 80 %."""
    low, median, high = np.quantile(numbers, [0.1, 0.5, 0.9])
    return f"{median:,.0f} ({low:,.0f} to {high:,.0f})"


def losses_of_days(rho: float, harm: float, random: np.random.Generator) -> FloatArray:
    """By how much more the candidate errs on each day, shape (DAYS,), with its mean `harm` standard errors above 0."""
    day = random.normal(size=DAYS)
    for each in range(1, DAYS):
        day[each] = rho * day[each - 1] + (1 - rho**2) ** 0.5 * day[each]
    lags = np.arange(1, DAYS)
    se = ((1 + 2 * ((1 - lags / DAYS) * rho**lags).sum()) / DAYS) ** 0.5
    return day + harm * se


def stopped_on(losses: FloatArray, traffic: list[Traffic] | None, metrics: tuple[Asked, ...]) -> int | None:
    """The day on which a stage is aborted, or None. traffic: at the end of each day, looked at daily; None: planned
    looks at labels alone."""
    information: tuple[float, ...] = ()
    for day in range(1, DAYS + 1) if traffic else [int(each) for each in planned_look_days(DAYS)]:
        known = losses[:day]
        look = look_at(
            Evidence(
                "canary",
                SHARE,
                "none",
                DAYS,
                day,
                traffic[day - 1] if traffic else QUIET,
                looks=information,
                pairs=paired(np.zeros(day), np.full(day, 10.0), 10.0 + known, np.arange(day)),
                metrics=metrics,
            )
        )
        if look.information is not None:
            information = (*information, look.information)
        if look.verdict == "abort":
            return day
    return None


def alike(random: np.random.Generator) -> list[Traffic]:
    """Traffic of 28 days on which both models fail on 1 of 500 records and are slow on 1 of 100."""
    keys = random.binomial(A_DAY, SHARE, DAYS).cumsum()
    failed, slow = ((random.binomial(A_DAY, rate, (2, DAYS))).cumsum(axis=1) for rate in (0.002, 0.01))
    return [
        Traffic(
            champion_records=A_DAY * (day + 1) - int(keys[day]),
            candidate_records=int(keys[day]),
            champion_keys=A_DAY * (day + 1) - int(keys[day]),
            candidate_keys=int(keys[day]),
            champion_asked=A_DAY * (day + 1),
            candidate_asked=A_DAY * (day + 1),
            both_scored=A_DAY * (day + 1),
            candidate_failed=int(failed[0, day]),
            champion_failed=int(failed[1, day]),
            candidate_slow=int(slow[0, day]),
            champion_slow=int(slow[1, day]),
            slow_ms=50.0,
        )
        for day in range(DAYS)
    ]


def of_labels(repetitions: int) -> Iterator[Row]:
    """Looks at paired losses: false aborts, power, and the day of the stop."""
    for rho, harm, n in [
        *((rho, 0.0, repetitions) for rho in (0.0, 0.3, 0.5)),
        *((rho, harm, repetitions // 4) for harm in (2.8, 3.0, 6.0) for rho in (0.0, 0.3)),
    ]:
        random = np.random.default_rng(crc32(f"labels {rho} {harm}".encode()))
        days = [stopped_on(losses_of_days(rho, harm, random), None, METRICS) for _ in range(n)]
        stops = np.array([day for day in days if day is not None])
        what = f"losses alone, harm of {harm:g} SE, ρ = {rho:g}" if harm else f"losses alone, no harm, ρ = {rho:g}"
        yield what, f"{n:,}", share_of(stops.size, n), f"day {stops.mean():.1f}" if harm else "–"


def bounds(events: int, expected: float, alpha: float, k: float, *, harm_only: bool) -> npt.NDArray[np.int64]:
    """After each event, the fewest of the candidate's that stop, and the most that stop as too few; shape (2, events).

    Both never fall as events come in, so each is found by a step from the one before.
    """
    ends = np.empty((2, events), dtype=np.int64)
    upper, lower = 1, -1
    for n in range(1, events + 1):
        while upper <= n and (
            upper <= n * expected or log_e_value(upper, n - upper, expected, k=k, harm_only=harm_only) < log(1 / alpha)
        ):
            upper += 1
        while (
            not harm_only
            and lower + 1 < n * expected
            and log_e_value(lower + 1, n - lower - 1, expected, k=k, harm_only=False) >= log(1 / alpha)
        ):
            lower += 1
        ends[:, n - 1] = upper, lower
    return ends


def first_stops(
    ends: npt.NDArray[np.int64], share: float, repetitions: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """After how many events each repetition is stopped, 0 if never; events are the candidate's with probability
    `share`."""
    stops = []
    for _ in range(repetitions):
        candidate = (random.random(ends.shape[1]) < share).cumsum()
        outside = (candidate >= ends[0]) | (candidate <= ends[1])
        stops.append(int(outside.argmax()) + 1 if outside.any() else 0)
    return np.array(stops)


def of_counts(repetitions: int) -> Iterator[Row]:
    """Failures, of which 1 in 200 records are the champion's, and the split of the keys."""
    for where, expected in (("10 % canary, each model its own arm", SHARE), ("both models score every record", 0.5)):
        for tests in (1, 3):
            random = np.random.default_rng(crc32(f"counts {where} {tests}".encode()))
            ends = bounds(2_000, expected, 0.05 / tests, OF_EVENTS, harm_only=True)
            level = f"{where}, level 5 % / {tests}"
            stops = first_stops(ends, expected, repetitions, random)
            hits = share_of((stops > 0).sum(), stops.size)
            yield f"failures alike, 2,000 of them; {level}", f"{repetitions:,}", hits, "–"
            for times in (2, 5):
                n = repetitions // 4
                stops = first_stops(ends, times * expected / (times * expected + 1 - expected), n, random)
                # Per record that comes in, of which the candidate is asked for a part and the champion for the rest.
                a_record = 0.005 * (SHARE * times + 1 - SHARE if expected == SHARE else times + 1)
                requests = f"{np.median(stops[stops > 0]) / a_record:,.0f} requests"
                after = f"{middle_of(stops[stops > 0])} failures, {requests}"
                yield f"failures × {times}; {level}", f"{n:,}", share_of((stops > 0).sum(), stops.size), after
    for tests in (1, 3):
        random = np.random.default_rng(crc32(f"keys {tests}".encode()))
        ends = bounds(20_000, SHARE, 0.05 / tests, OF_KEYS, harm_only=False)
        stops = first_stops(ends, SHARE, repetitions, random)
        what = f"keys split as declared, 20,000 of them, level 5 % / {tests}"
        yield what, f"{repetitions:,}", share_of((stops > 0).sum(), stops.size), "–"
        n = repetitions // 4
        stops = first_stops(ends, 0.8 * SHARE / (1 - 0.2 * SHARE), n, random)
        what = f"a fifth of the candidate's keys lost, level 5 % / {tests}"
        yield what, f"{n:,}", share_of((stops > 0).sum(), stops.size), f"{middle_of(stops[stops > 0])} keys"


def labels_of_arms(more: float, random: np.random.Generator) -> Labelled:
    """28 days of 1,000 rows, 40 % with a label, `more` in the candidate's arm of a tenth; days differ alike."""
    of_day = random.normal(0, 0.08, DAYS)
    arms = []
    for share, added in ((1 - SHARE, 0.0), (SHARE, more)):
        rows = random.poisson(A_DAY * share, DAYS)
        labelled = random.binomial(rows, np.clip(0.4 + of_day + added, 0, 1))
        arms.append(ArmLabels(rows, labelled, random.binomial(labelled, 0.3).astype(np.float64)))
    return Labelled(*arms)


def of_arms(repetitions: int) -> Iterator[Row]:
    """Whether labels react to the model, and the value of a split in halves."""
    n = repetitions // 2
    for more in (0.0, 0.03, 0.05):
        random = np.random.default_rng(crc32(f"feedback {more}".encode()))
        hits = sum(feedback(labels_of_arms(more, random), Due(1.0, (1.0,))).verdict == "information" for _ in range(n))
        what = f"{100 * more:g} points more rows with a label" if more else "labels alike in both arms"
        yield f"{what}: paired comparison refused", f"{n:,}", share_of(hits, n), "–"
    day = np.repeat(np.arange(DAYS), 50)
    halves = Traffic(700, 700, 700, 700, 700, 700, 0)
    for harm in (0.0, 2.8):
        random = np.random.default_rng(crc32(f"value {harm}".encode()))
        loss, hits, last = harm * 3 * (4 / day.size) ** 0.5, 0, []
        for _ in range(n):
            arm = random.random(day.size) < 0.5
            value = 5 + random.normal(size=DAYS)[day] + 3 * random.normal(size=day.size) - loss * arm
            stop = _stop_by_value(value, arm, day, halves)
            hits += stop is not None
            last += [stop] if stop else []
        what = f"value per key, split in halves, {'harm of 2.8 SE' if harm else 'no harm'}"
        yield what, f"{n:,}", share_of(hits, n), f"day {np.mean(last):.1f}" if harm else "–"


def _stop_by_value(
    value: FloatArray, arm: npt.NDArray[np.bool_], day: npt.NDArray[np.int64], traffic: Traffic
) -> int | None:
    information: tuple[float, ...] = ()
    outcome: Feedback = "outcome"
    for now in planned_look_days(DAYS):
        known = day < now
        of_now = Values(value[known], arm[known], day[known])
        look = look_at(Evidence("canary", 0.5, outcome, DAYS, now, traffic, looks=information, values=of_now))
        information = (*information, look.information or 1.0)
        if look.verdict == "abort":
            return int(now)
    return None


def of_everything(repetitions: int) -> Iterator[Row]:
    """All checks of a canary together, looked at daily: how often they stop a model that is no worse."""
    for guards, metrics in (("", METRICS), (", with a guard", GUARDED)):
        for rho in (0.0, 0.3):
            n = repetitions // 2
            random = np.random.default_rng(crc32(f"everything {guards} {rho}".encode()))
            days = [stopped_on(losses_of_days(rho, 0.0, random), alike(random), metrics) for _ in range(n)]
            hits = sum(day is not None for day in days)
            yield f"all checks daily{guards}, no harm, ρ = {rho:g}", f"{n:,}", share_of(hits, n), "–"


def main() -> None:
    """Measure every cell and print the table as it grows."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="a tenth of the repetitions")
    repetitions = 200 if asked.parse_args().quick else 2_000
    began = process_time()
    print("| what | stages | stopped, % (interval) | when, or after how many (80 % range) |\n|---|---:|---|---|")
    for cells in (of_labels, of_counts, of_arms, of_everything):
        for row in cells(repetitions):
            print("| " + " | ".join(row) + " |", flush=True)
        print(f"{cells.__name__}: {process_time() - began:.0f} s of CPU so far", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
