"""How often fair models are called unfair, and from which group size on an unfair one is detected.

    python benchmarks/bias.py                     # 1,000 models per cell; 20 minutes
    python benchmarks/bias.py --repetitions 100   # a quick look

Simulated: eight groups of 4,000 to 30 rows over 30 days, of which a model selects 20 %. The logit of a row's chance
moves with its day (AR(1), shared by all groups) and with the day within the group. The report of a decision (`bias_of`)
tests each group against all others; beside it are the usual ways, which look at the lowest rate over the highest. In
the second table, one of the groups is selected less often. Intervals are Clopper-Pearson, at 95 %.
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
from perennial.evaluation.bias.impact import FOUR_FIFTHS  # noqa: E402
from perennial.evaluation.bias.measures import Rows  # noqa: E402
from perennial.evaluation.bias.outcomes import Selection, outcomes  # noqa: E402
from perennial.evaluation.bias.report import Groups, bias_of  # noqa: E402
from perennial.evaluation.bias.results import SELECTION_RATE, Bias, GroupMeasure  # noqa: E402
from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.paired import Clusters  # noqa: E402

DAYS, SELECTED, RESAMPLES = 30, 0.2, 400
SIZES = (4_000, 2_000, 900, 500, 200, 120, 60, 30)
LARGE = 0.02
OF_DAYS = ((0.0, 0.0, 0.0), (0.3, 0.0, 0.3), (0.3, 0.2, 0.3), (0.3, 0.2, 0.6))
"""Standard deviations of the logit by day and by day within a group, and the correlation between neighbouring days."""
RATIOS = (0.8, 0.6, 0.4)


def simulated(random: np.random.Generator, of: tuple[float, float, float], ratios: np.ndarray) -> Bias:
    """The report about one model. ratios: shape (8,), each group's chance over that of the others."""
    of_day, within, rho = of
    group = np.repeat(np.arange(len(SIZES)), SIZES)
    day = random.integers(0, DAYS, group.size)
    move = of_day * ar1(random, rho, (DAYS,))[day] + within * ar1(random, rho, (len(SIZES), DAYS))[group, day]
    # The mean chance stays as it is: a logistic curve is nearly that of a normal with this standard deviation.
    widened = (1 + (of_day**2 + within**2) / 1.7**2) ** 0.5
    chance = SELECTED * ratios[group]
    chance = 1 / (1 + np.exp(-(np.log(chance / (1 - chance)) * widened + move)))
    p = (random.random(group.size) < chance).astype(np.float64)
    y = (random.random(group.size) < SELECTED).astype(np.float64)
    rows = Rows(outcomes(Selection(above=0.5), y, p, binary=True), y, p, Clusters(day), load_metric("brier"))
    groups = Groups("group", tuple(map(str, SIZES)), group)
    return bias_of(rows, None, [groups], selected="", ratio=FOUR_FIFTHS, gate=True)


def rates(bias: Bias) -> list[GroupMeasure]:
    """The selection rate of each group, in their order."""
    return [rate for _, group in bias.groups if (rate := group.measure(SELECTION_RATE)) is not None]


def fair(job: tuple[tuple[float, float, float], int]) -> tuple[bool, ...]:
    """Whether a fair model is flagged: by the report, four-fifths, New York City's ratios, and bootstraps of them."""
    of, seed = job
    random = np.random.default_rng([seed, *(int(100 * each) for each in of)])
    bias = simulated(random, of, np.ones(len(SIZES)))
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


def _proven(again: np.ndarray) -> bool:
    """Whether 95 % of the resampled lowest rates are under four fifths of the highest."""
    return bool(np.quantile(again.min(axis=1) / again.max(axis=1), 0.95) < FOUR_FIFTHS)


def unfair(job: tuple[int, float, int]) -> tuple[bool, bool, float]:
    """Whether a group selected less often is detected, whether it is reported as too small; its smallest ratio."""
    place, ratio, seed = job
    random = np.random.default_rng([place, int(100 * ratio), seed])
    ratios = np.ones(len(SIZES))
    ratios[place] = ratio
    measure = rates(simulated(random, OF_DAYS[2], ratios))[place]
    return (
        measure.verdict == "difference_proven",
        measure.verdict == "cannot_be_checked",
        measure.smallest or 0.0,
    )


def main() -> None:
    """Measure on two cores and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repetitions", type=int, default=1_000)
    n: int = asked.parse_args().repetitions
    with ProcessPoolExecutor(2) as pool:
        print(f"Fair models called unfair, % of {n:,}\n")
        print("| day, day in group, ρ | report | four-fifths | New York City | bootstrap, all | bootstrap, ≥ 2 % |")
        print("|---|---|---|---|---|---|")
        for of in OF_DAYS:
            flagged = np.array(list(pool.map(fair, [(of, seed) for seed in range(n)], chunksize=10))).sum(axis=0)
            print(f"| {', '.join(map(str, of))} | {' | '.join(share(int(hits), n) for hits in flagged)} |", flush=True)
        print(f"\nOne group with another ratio: proven to be under .8, % of {n // 2:,}; cannot be checked, %\n")
        heads = [*(f"ratio {ratio}" for ratio in RATIOS), "cannot be checked at .6", "smallest ratio"]
        print(f"| rows | {' | '.join(heads)} |")
        print(f"|---:|{'---|' * (len(RATIOS) + 2)}")
        for place, rows in enumerate(SIZES):
            cells, hidden, smallest = [], "", ""
            for ratio in RATIOS:
                seen = list(pool.map(unfair, [(place, ratio, seed) for seed in range(n // 2)], chunksize=10))
                cells.append(share(sum(each[0] for each in seen), n // 2))
                if ratio == 0.6:
                    hidden = f"{100 * sum(each[1] for each in seen) / (n // 2):.0f}"
                    smallest = f"{np.median([each[2] for each in seen]):.2f}"
            print(f"| {rows:,} | {' | '.join(cells)} | {hidden} | {smallest} |", flush=True)


if __name__ == "__main__":
    main()
