"""How often slices block a harmless challenger, and how often they detect one that harms a slice.

    python benchmarks/gate_slices.py                     # 1,000 comparisons per cell (500 with 200 slices); 5 minutes
    python benchmarks/gate_slices.py --repetitions 100   # a quick look

Simulated: two equal models on families of 20, 50 and 200 slices of 600 rows over 30 days. Their losses differ by an
error of the row, of the day (AR(1), shared by all slices) and of the day within the slice. Flights: pairs of models
trained on random halves of the earlier months, so that neither is better. They are evaluated on the next month with
random columns of 20, 50 and 200 values, and again with one slice of 4,000 rows on which the challenger's predictions
are moved towards 0.5 until its loss there is 10 % higher. Two-way clusters: two equal models with rows correlated by
day (AR(1)), by customer, or both. Intervals are Clopper-Pearson, at 95 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gate_years import Rows, real  # noqa: E402
from perennial.evaluation.comparison import compare  # noqa: E402
from perennial.evaluation.intervals.student_t import p_at_most  # noqa: E402
from perennial.evaluation.judgement import Asked  # noqa: E402
from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.paired import paired  # noqa: E402
from perennial.evaluation.results import SliceResult  # noqa: E402
from perennial.evaluation.slices import Sliced, compare_slices, variance_ratio  # noqa: E402

DAYS, ROWS, HARMED = 30, 600, 4_000
FAMILIES = (20, 50, 200)
RHO = (0.0, 0.3, 0.5)
TWO_WAYS = ((0.3, 0.0, 0.0), (0.0, 0.3, 0.0), (0.3, 0.3, 0.0), (0.3, 0.3, 0.2), (0.3, 0.3, 0.5))
"""Standard deviations of the errors of day and customer, and the correlation between neighbouring days."""
MONTHS = range(2, 12)


def compared(
    name: str, y: np.ndarray, a: np.ndarray, b: np.ndarray, day: np.ndarray, of: np.ndarray
) -> tuple[SliceResult, ...]:
    """As in a decision: all rows first, then the slices."""
    whole = compare(paired(y, a, b, day), metrics=[Asked(name, "primary")])[0]
    column = Sliced("slice", tuple(f"{code:03d}" for code in range(int(of.max()) + 1)), of)
    of_all = variance_ratio(np.array(whole.sums), np.bincount(day), "day")
    return compare_slices(load_metric(name), paired(y, a, b, day), [column], of_all=of_all)


def ar1(random: np.random.Generator, rho: float, size: tuple[int, ...]) -> np.ndarray:
    """Errors of days (the last axis) with standard deviation 1."""
    found = random.normal(size=size)
    for day in range(1, size[-1]):
        found[..., day] = rho * found[..., day - 1] + (1 - rho**2) ** 0.5 * found[..., day]
    return found


def family(job: tuple[int, float, int]) -> tuple[bool, bool]:
    """Whether any of the harmless slices blocks, and whether one would without Holm."""
    slices, rho, seed = job
    random = np.random.default_rng([slices, int(rho * 10), seed])
    day = np.repeat(np.arange(DAYS), ROWS * slices // DAYS)
    of = random.integers(0, slices, day.size)
    gain = random.normal(size=day.size) * 0.3
    gain += 0.05 * ar1(random, rho, (DAYS,))[day] + 0.05 * ar1(random, rho, (slices, DAYS))[of, day]
    y = np.zeros(day.size)
    return _blocks(compared("mae", y, y + 5 + gain, y + 5, day, of))


def _blocks(found: Sequence[SliceResult]) -> tuple[bool, bool]:
    """With Holm, and with each slice at 5 %."""
    alone = [
        p_at_most(-each.gain, each.se, each.df, 0.0)
        for each in found
        if each.gain is not None and each.se is not None and each.df is not None
    ]
    return any(each.verdict == "worse" for each in found), bool(alone) and min(alone) < 0.05


@cache
def pairs() -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Month → labels, predictions of both equal models, and days."""
    stream: Rows = real("flights month")
    random, found = np.random.default_rng(0), {}
    for month in MONTHS:
        past, rows = np.flatnonzero(stream.batch < month), stream.batch == month
        half = random.random(past.size) < 0.5
        models = [stream.fit(stream.x[past[side]], stream.y[past[side]]) for side in (half, ~half)]
        day = np.unique(stream.day[rows], return_inverse=True)[1]
        found[month] = stream.y[rows], models[0](stream.x[rows]), models[1](stream.x[rows]), day
    return found


def flights(slices: int, draws: int) -> tuple[int, int, int, int]:
    """Harmless comparisons blocked, their number; harmful ones detected, their number."""
    blocked = found = count = 0
    for month in MONTHS:
        y, a, b, day = pairs()[month]
        for draw in range(draws):
            random = np.random.default_rng([slices, month, draw])
            of = random.integers(0, slices, y.size)
            blocked += _blocks(compared("log_loss", y, a, b, day, of))[0]
            harmed = random.choice(y.size, HARMED, replace=False)
            of = random.integers(1, slices, y.size)
            of[harmed] = 0
            told = compared("log_loss", y, a, _worse(y, a, b, harmed), day, of)
            found += next(each for each in told if each.value == "000").verdict == "worse"
            count += 1
    return blocked, count, found, count


def _worse(y: np.ndarray, a: np.ndarray, b: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """b, moved towards 0.5 on `rows` until its log loss there is 10 % above that of a."""

    def loss(p: np.ndarray) -> float:
        return float(-np.log(np.where(y[rows] == 1, p, 1 - p)).mean())

    wanted = 1.1 * loss(a[rows])
    share = brentq(lambda w: loss((1 - w) * b[rows] + w * 0.5) - wanted, 0, 1)
    made = b.copy()
    made[rows] = (1 - share) * b[rows] + share * 0.5
    return made


def two_way(job: tuple[float, float, float, int]) -> tuple[bool, bool]:
    """Whether two equal models are called different with both clusterings, and with days alone."""
    of_day, of_customer, rho, seed = job
    random = np.random.default_rng([int(of_day * 10), int(of_customer * 10), int(rho * 10), seed])
    day, customer = np.repeat(np.arange(DAYS), 40), random.integers(0, 30, DAYS * 40)
    gain = of_day * ar1(random, rho, (DAYS,))[day] + of_customer * random.normal(size=30)[customer]
    gain += random.normal(size=day.size)
    y = np.zeros(day.size)
    asked = [Asked("mae", "primary")]
    both = compare(paired(y, y + 9 + gain, y + 9, day, second=("customer", customer)), metrics=asked)[0]
    alone = compare(paired(y, y + 9 + gain, y + 9, day), metrics=asked)[0]
    return (both.p_value or 1) < 0.05, (alone.p_value or 1) < 0.05


def share(hits: int, of: int) -> str:
    """A share in per cent with its interval."""
    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0
    return f"{100 * hits / of:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Measure on two cores and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repetitions", type=int, default=1_000)
    repetitions: int = asked.parse_args().repetitions
    with ProcessPoolExecutor(2) as pool:
        print("| slices | days | comparisons | blocked, % | blocked without Holm, % |\n|---:|---|---:|---|---|")
        for slices in FAMILIES:
            for rho in RHO:
                n = repetitions // 2 if slices == 200 else repetitions
                found = list(pool.map(family, [(slices, rho, seed) for seed in range(n)], chunksize=10))
                blocked, plain = (sum(each[i] for each in found) for i in (0, 1))
                print(f"| {slices} | ρ = {rho:g} | {n:,} | {share(blocked, n)} | {share(plain, n)} |", flush=True)
        print("\n| correlated within | comparisons | called different, % | by days alone, % |\n|---|---:|---|---|")
        for of_day, of_customer, rho in TWO_WAYS:
            n = 2 * repetitions
            found = list(pool.map(two_way, [(of_day, of_customer, rho, seed) for seed in range(n)], chunksize=50))
            both, alone = (sum(each[i] for each in found) for i in (0, 1))
            ways = " and ".join([*(["day"] if of_day else []), *(["customer"] if of_customer else [])])
            print(f"| {ways}, ρ = {rho:g} | {n:,} | {share(both, n)} | {share(alone, n)} |", flush=True)
    print("\n| flights, slices | comparisons | blocked, % | 4,000 rows 10 % worse: detected, % |\n|---:|---:|---|---|")
    for slices in FAMILIES:
        blocked, count, hits, of = flights(slices, max(2, repetitions // 25 // (1 if slices < 200 else 2)))
        print(f"| {slices} | {count:,} | {share(blocked, count)} | {share(hits, of)} |", flush=True)


if __name__ == "__main__":
    main()
