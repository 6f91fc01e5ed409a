"""How often the mixture of the live model and a challenger passes the test when it is exactly as good as the live one.

    python benchmarks/gate_mixture.py                       # 4,000 pooled comparisons per cell; 10 minutes
    python benchmarks/gate_mixture.py --repetitions 200     # a quick look

The boundary of the hypothesis: the challenger's errors are larger than the live model's, by just as much as makes the
mixture's expected loss equal to the live model's. Both models' scores are the truth plus an error of the day, an AR(1),
and one of the row. The factor is found on 2,000,000 rows, by the expected loss given the score, which has no noise of
the labels. The gate's own functions test 15 or 30 days of 20 rows: `judge`, without earlier decisions (EWC) and with
the inflation pooled over eleven earlier tests of mixtures. The nominal level is 5 %, one-sided.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, xlogy
from scipy.stats import beta

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.evaluation.arrays import FloatArray  # noqa: E402
from perennial.evaluation.comparison import compare  # noqa: E402
from perennial.evaluation.intervals.pooled import inflation  # noqa: E402
from perennial.evaluation.judgement import Asked  # noqa: E402
from perennial.evaluation.paired import paired  # noqa: E402

ROWS_A_DAY, EARLIER, MOST = 20, 11, 0.065


@dataclass(frozen=True)
class Cell:
    """A metric, a number of days, the days' autocorrelation, and the number of pooled comparisons."""

    metric: str
    days: int
    rho: float
    repetitions: int


def draw(days: int, rho: float, random: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The true score of each row, and two models' errors, shape (days · 20,) each."""
    of_days = random.normal(size=(2, days))
    for each in range(1, days):
        of_days[:, each] = rho * of_days[:, each - 1] + (1 - rho**2) ** 0.5 * of_days[:, each]
    errors = 0.3 * np.repeat(of_days, ROWS_A_DAY, axis=1) + 0.4 * random.normal(size=(2, days * ROWS_A_DAY))
    return 1.5 * random.normal(size=days * ROWS_A_DAY) - 1.0, errors[0], errors[1]


def models(score: FloatArray, error: FloatArray, other: FloatArray, factor: float) -> tuple[FloatArray, FloatArray]:
    """What the live model and the mixture predict."""
    live = expit(score + error)
    return live, (live + expit(score + factor * other)) / 2


def boundary(metric: str) -> float:
    """The factor of the challenger's errors at which the mixture's expected gain is 0."""
    score, error, other = draw(100_000, 0.0, np.random.default_rng(11))
    truth = expit(score)

    def expected(p: FloatArray) -> float:
        if metric == "brier":
            return float((truth * (1 - p) ** 2 + (1 - truth) * p**2).mean())
        return float(-(xlogy(truth, p) + xlogy(1 - truth, 1 - p)).mean())

    def gain(factor: float) -> float:
        live, mixed = models(score, error, other, factor)
        return expected(live) - expected(mixed)

    return float(brentq(gain, 1.0, 10.0, xtol=1e-4))


def measure(job: tuple[Cell, float]) -> tuple[int, int, int, int]:
    """How often the mixture passed by EWC and by the pooled test, each with the number of comparisons."""
    cell, factor = job
    random = np.random.default_rng(crc32(f"{cell.metric} {cell.days} {cell.rho}".encode()))
    day = np.repeat(np.arange(cell.days), ROWS_A_DAY)
    asked = [Asked(cell.metric, "primary")]
    by_ewc = by_pooled = 0
    for _ in range(cell.repetitions):
        earlier = []
        for number in range(EARLIER + 1):
            score, error, other = draw(cell.days, cell.rho, random)
            live, mixed = models(score, error, other, factor)
            y = (random.random(score.size) < expit(score)).astype(float)
            rows = paired(y, live, mixed, day)
            (found,) = compare(rows, metrics=asked)
            by_ewc += found.verdict == "better"
            if number == EARLIER:
                (found,) = compare(rows, metrics=asked, seen={cell.metric: inflation(earlier)})
                by_pooled += found.verdict == "better"
            earlier.append((np.array(found.sums), rows.clusters.counts))
    return by_ewc, cell.repetitions * (EARLIER + 1), by_pooled, cell.repetitions


def share(hits: int, of: int) -> str:
    """In %, with its 95 % Clopper-Pearson interval."""
    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits))
    above = " **above**" if low > MOST else ""
    return f"{100 * hits / of:.1f} ({100 * low:.1f} to {100 * high:.1f}){above}"


def main() -> None:
    """Measure every cell on two cores and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repetitions", type=int, default=4_000)
    repetitions: int = asked.parse_args().repetitions
    factors = {metric: boundary(metric) for metric in ("log_loss", "brier")}
    cells = [Cell(m, days, rho, repetitions) for m in factors for days in (15, 30) for rho in (0.0, 0.2, 0.5)]
    print("| metric | errors × | days | ρ | EWC, % passed | pooled, % passed |\n|---|---:|---:|---:|---|---|")
    with ProcessPoolExecutor(2) as pool:
        jobs = [(cell, factors[cell.metric]) for cell in cells]
        for cell, (ewc, of, pooled, times) in zip(cells, pool.map(measure, jobs), strict=True):
            row = (
                cell.metric,
                f"{factors[cell.metric]:.2f}",
                cell.days,
                cell.rho,
                share(ewc, of),
                share(pooled, times),
            )
            print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
