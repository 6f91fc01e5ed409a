"""How often fair models are called unfair, and from which group size on an unfair one is detected.

    python benchmarks/bias.py                     # 1,000 models per cell; 20 minutes
    python benchmarks/bias.py --repetitions 100   # a quick look
    python benchmarks/bias.py --errors            # the same for a gated false negative rate
    python benchmarks/bias.py --intervals         # how often the interval of a group's own rate covers the true one

Simulated: eight groups of 4,000 to 30 rows over 30 days, of which a model selects 20 %. The logit of a row's chance
moves with its day (AR(1), shared by all groups) and with the day within the group. The report of a decision (`bias_of`)
tests each group against all others; beside it are the usual ways, which look at the lowest rate over the highest. In
the second table, one of the groups is selected less often. With `--errors`, the label of half of the rows is wanted and
the model misses 20 % of those; the chance of being missed moves with the days. Intervals are Clopper-Pearson, at 95 %.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gate_slices import ar1, share  # noqa: E402
from perennial.evaluation.arrays import FloatArray, IntArray  # noqa: E402
from perennial.evaluation.bias.impact import FOUR_FIFTHS  # noqa: E402
from perennial.evaluation.bias.measures import Rows  # noqa: E402
from perennial.evaluation.bias.outcomes import Selection, outcomes  # noqa: E402
from perennial.evaluation.bias.report import Groups, bias_of  # noqa: E402
from perennial.evaluation.bias.results import (  # noqa: E402
    FALSE_NEGATIVE_RATE,
    SELECTION_RATE,
    Bias,
    GroupMeasure,
)
from perennial.evaluation.intervals.day_t import day_t  # noqa: E402
from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.paired import Clusters  # noqa: E402

DAYS, SELECTED, RESAMPLES = 30, 0.2, 400
SIZES = (4_000, 2_000, 900, 500, 200, 120, 60, 30)
LARGE = 0.02
OF_DAYS = ((0.0, 0.0, 0.0), (0.3, 0.0, 0.3), (0.3, 0.2, 0.3), (0.3, 0.2, 0.6))
"""Standard deviations of the logit by day and by day within a group, and the correlation between neighbouring days."""
RATIOS = (0.8, 0.6, 0.4)
GROUP = np.repeat(np.arange(len(SIZES)), SIZES)
OfDays = tuple[float, float, float]


def drawn(random: np.random.Generator, of: OfDays, rates: FloatArray) -> tuple[IntArray, FloatArray]:
    """The day of each row, and whether it is one of those that the rates, shape (8,), are of."""
    of_day, within, rho = of
    day = random.integers(0, DAYS, GROUP.size)
    move = of_day * ar1(random, rho, (DAYS,))[day] + within * ar1(random, rho, (len(SIZES), DAYS))[GROUP, day]
    # The mean chance stays as it is: a logistic curve is nearly that of a normal with this standard deviation.
    widened = (1 + (of_day**2 + within**2) / 1.7**2) ** 0.5
    chance = 1 / (1 + np.exp(-((np.log(rates / (1 - rates)) * widened)[GROUP] + move)))
    return day, (random.random(GROUP.size) < chance).astype(np.float64)


def simulated(random: np.random.Generator, of: OfDays, ratios: FloatArray, name: str) -> Bias:
    """The report about one model. ratios: shape (8,), of each group's rate; an error rate is divided by it."""
    if name == SELECTION_RATE:
        day, p = drawn(random, of, SELECTED * ratios)
        y = (random.random(GROUP.size) < SELECTED).astype(np.float64)
    else:
        day, missed = drawn(random, of, SELECTED / ratios)
        y = (random.random(GROUP.size) < 0.5).astype(np.float64)
        p = np.where(y == 1, 1 - missed, random.random(GROUP.size) < SELECTED).astype(np.float64)
    rows = Rows(outcomes(Selection(above=0.5), y, p, binary=True), y, p, Clusters(day), load_metric("brier"))
    groups = Groups("group", tuple(map(str, SIZES)), GROUP)
    return bias_of(rows, None, [groups], selected="", ratio=FOUR_FIFTHS, gate=True, gated=(name,))


def rates(bias: Bias, name: str = SELECTION_RATE) -> list[GroupMeasure]:
    """One rate of each group, in their order."""
    return [rate for _, group in bias.groups if (rate := group.measure(name)) is not None]


def fair(job: tuple[OfDays, int]) -> tuple[bool, ...]:
    """Whether a fair model is flagged: by the report, four-fifths, New York City's ratios, and bootstraps of them."""
    of, seed = job
    random = np.random.default_rng([seed, *(int(100 * each) for each in of)])
    bias = simulated(random, of, np.ones(len(SIZES)), SELECTION_RATE)
    (column,) = bias.columns
    hits = np.array([(each.value or 0) * each.rows for each in rates(bias)]).round().astype(int)
    sizes = np.array([group.rows for group in column.groups])
    again = random.binomial(sizes, hits / sizes, (RESAMPLES, sizes.size)) / sizes
    large = sizes >= LARGE * sizes.sum()
    return (
        any(each.verdict == "difference_proven" for each in rates(bias)),
        any((group.of_highest or 0) < FOUR_FIFTHS for group in column.groups),
        any(group.impact_ratio is not None and group.impact_ratio < FOUR_FIFTHS for group in column.groups),
        _proven(again),
        _proven(again[:, large]),
    )


def fair_errors(job: tuple[OfDays, int]) -> bool:
    """Whether a model that misses all groups alike is flagged by the report."""
    of, seed = job
    random = np.random.default_rng([seed, *(int(100 * each) for each in of)])
    bias = simulated(random, of, np.ones(len(SIZES)), FALSE_NEGATIVE_RATE)
    return any(each.verdict == "difference_proven" for each in rates(bias, FALSE_NEGATIVE_RATE))


def _proven(again: np.ndarray) -> bool:
    """Whether 95 % of the resampled lowest rates are under four fifths of the highest."""
    return bool(np.quantile(again.min(axis=1) / again.max(axis=1), 0.95) < FOUR_FIFTHS)


def unfair(job: tuple[str, int, float, int]) -> tuple[bool, bool, float]:
    """Whether a group that is treated worse is detected, whether it is reported as too small; its smallest ratio, which
    is that of the others to the group for an error rate."""
    name, place, ratio, seed = job
    random = np.random.default_rng([place, int(100 * ratio), seed])
    ratios = np.ones(len(SIZES))
    ratios[place] = ratio
    measure = rates(simulated(random, OF_DAYS[2], ratios, name), name)[place]
    smallest = measure.smallest or 0.0
    return (
        measure.verdict == "difference_proven",
        measure.verdict == "cannot_be_checked",
        1 / smallest if smallest > 1 else smallest,
    )


def covered(job: tuple[OfDays, float, int]) -> tuple[list[bool], list[bool]]:
    """Whether the interval of each group's own selection rate covers the true one: the report's, and a plain t."""
    of, rate, seed = job
    random = np.random.default_rng([seed, *(int(1_000 * each) for each in (*of, rate))])
    day, p = drawn(random, of, np.full(len(SIZES), rate))
    rows = Rows(outcomes(Selection(above=0.5), p, p, binary=True), p, p, Clusters(day), load_metric("brier"))
    bias = bias_of(rows, None, [Groups("g", tuple(map(str, SIZES)), GROUP)], selected="", ratio=FOUR_FIFTHS, gate=True)
    true = _mean_chance(of, rate)
    ours = [(each.value_low or 0.0) <= true <= (each.value_high or 1.0) for each in rates(bias)]
    plain = []
    for place, size in enumerate(SIZES):
        mine = place == GROUP
        value = float(p[mine].mean())
        sums = np.bincount(day[mine], weights=p[mine] - value, minlength=DAYS) * GROUP.size / size
        by_day = day_t(value, sums, rows.clusters.counts)
        plain.append(by_day is not None and by_day.ci_low <= true <= by_day.ci_high)
    return ours, plain


def _mean_chance(of: OfDays, rate: float) -> float:
    """The mean chance of a row over all days that could have come."""
    spread = of[0] ** 2 + of[1] ** 2
    at, weights = np.polynomial.hermite_e.hermegauss(60)
    logit = np.log(rate / (1 - rate)) * (1 + spread / 1.7**2) ** 0.5 + at * spread**0.5
    return float((weights / (1 + np.exp(-logit))).sum() / weights.sum())


def of_selection(pool: ProcessPoolExecutor, n: int) -> None:
    """Fair models, then unfair ones, by the selection rate."""
    print(f"Fair models called unfair, % of {n:,}\n")
    print("| day, day in group, ρ | report | four-fifths | New York City | bootstrap, all | bootstrap, ≥ 2 % |")
    print("|---|---|---|---|---|---|")
    for of in OF_DAYS:
        flagged = np.array(list(pool.map(fair, [(of, seed) for seed in range(n)], chunksize=10))).sum(axis=0)
        print(f"| {', '.join(map(str, of))} | {' | '.join(share(int(hits), n) for hits in flagged)} |", flush=True)
    print(f"\nOne group with another ratio: proven to be under .8, % of {n // 2:,}; cannot be checked, %\n")
    of_unfair(pool, SELECTION_RATE, n // 2)


def of_errors(pool: ProcessPoolExecutor, n: int) -> None:
    """Fair models, then unfair ones, by the false negative rate."""
    print(f"Models that miss all groups alike, called unfair by the false negative rate, % of {n:,}\n")
    print("| day, day in group, ρ | report |\n|---|---|")
    for of in OF_DAYS:
        flagged = sum(pool.map(fair_errors, [(of, seed) for seed in range(n)], chunksize=10))
        print(f"| {', '.join(map(str, of))} | {share(flagged, n)} |", flush=True)
    print(f"\nOne group is missed more often: proven to be over 1/.8, % of {n // 2:,}; cannot be checked, %\n")
    of_unfair(pool, FALSE_NEGATIVE_RATE, n // 2)


def of_unfair(pool: ProcessPoolExecutor, name: str, n: int) -> None:
    """One group of each size that is treated worse."""
    heads = [*(f"ratio {ratio}" for ratio in RATIOS), "cannot be checked at .6", "smallest ratio"]
    print(f"| rows | {' | '.join(heads)} |")
    print(f"|---:|{'---|' * (len(RATIOS) + 2)}")
    for place, rows in enumerate(SIZES):
        cells, hidden, smallest = [], "", ""
        for ratio in RATIOS:
            seen = list(pool.map(unfair, [(name, place, ratio, seed) for seed in range(n)], chunksize=10))
            cells.append(share(sum(each[0] for each in seen), n))
            if ratio == 0.6:
                hidden = f"{100 * sum(each[1] for each in seen) / n:.0f}"
                smallest = f"{np.median([each[2] for each in seen]):.2f}"
        print(f"| {rows:,} | {' | '.join(cells)} | {hidden} | {smallest} |", flush=True)


def of_intervals(pool: ProcessPoolExecutor, n: int) -> None:
    """The share of intervals that cover the true rate, by the size of the group."""
    print(f"Intervals of a group's own rate that cover the true one, % of {n:,}; in brackets, a plain t over days\n")
    print(f"| rate | day, day in group, ρ | {' | '.join(f'{size:,} rows' for size in SIZES)} |")
    print(f"|---|---|{'---|' * len(SIZES)}")
    for rate in (SELECTED, 0.03):
        for of in (OF_DAYS[0], *OF_DAYS[2:]):
            seen = np.array(list(pool.map(covered, [(of, rate, seed) for seed in range(n)], chunksize=10)))
            ours, plain = 100 * seen.mean(axis=0)
            cells = [f"{mine:.0f} ({theirs:.0f})" for mine, theirs in zip(ours, plain, strict=True)]
            print(f"| {rate} | {', '.join(map(str, of))} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Measure on two cores and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repetitions", type=int, default=1_000)
    asked.add_argument("--errors", action="store_true")
    asked.add_argument("--intervals", action="store_true")
    chosen = asked.parse_args()
    table = of_errors if chosen.errors else of_intervals if chosen.intervals else of_selection
    with ProcessPoolExecutor(2) as pool:
        table(pool, chosen.repetitions)


if __name__ == "__main__":
    main()
