"""Needless releases of a fleet over a year, with and without control over all members.

    python benchmarks/fleet_releases.py              # 40 years; a quarter of an hour on two free cores
    python benchmarks/fleet_releases.py --years 4    # a quick look

500 models are decided in each of 12 months, each on 30 days. In a random month 5 % of them become truly better: from
then on their challengers gain four standard errors of a month (`--gain`), until one is released. All others gain
nothing. With a common shock, a part of every day's noise is the same for all models, so that their means of a month
correlate by .3.

Tests, pooled inflation, levels and shares of a budget are those of the pipeline.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.evaluation.arrays import FloatArray  # noqa: E402
from perennial.evaluation.budget import share_of  # noqa: E402
from perennial.evaluation.family import levels  # noqa: E402
from perennial.evaluation.intervals.cluster_interval import cluster_interval  # noqa: E402
from perennial.evaluation.intervals.mde import ALPHA  # noqa: E402
from perennial.evaluation.intervals.pooled import inflation  # noqa: E402

MODELS, MONTHS, DAYS, ROWS, BETTER = 500, 12, 30, 20, 0.05
Levels = Callable[[Sequence[float]], Sequence[float]]


def _each(p_values: Sequence[float]) -> Sequence[float]:
    return [ALPHA] * len(p_values)


def _of_a_year(p_values: Sequence[float]) -> Sequence[float]:
    return [share_of(ALPHA, MONTHS, 0, (), 2024, "planned").alpha] * len(p_values)


def _together(p_values: Sequence[float]) -> Sequence[float]:
    return [each.alpha for each in levels(p_values, ALPHA)]


RULES: dict[str, Levels] = {
    "each at 5 %": _each,
    "each at 5 % / 12": _of_a_year,
    "together, `fdr: 5%`": _together,
}


@dataclass
class Year:
    """What one rule did in one year: releases without and with a gain, of so many models with one."""

    needless: int = 0
    found: int = 0
    better: int = 0
    wrong: list[float] = field(default_factory=list)


def year(gain: float, shared: float, seed: int) -> dict[str, Year]:
    """One year under every rule, on the same noise."""
    draw = np.random.default_rng([seed, round(gain * 10), round(shared * 10)])
    begins = np.full(MODELS, MONTHS)
    chosen = draw.choice(MODELS, round(BETTER * MODELS), replace=False)
    begins[chosen] = draw.integers(0, MONTHS, chosen.size)
    noise = np.sqrt(1 - shared) * draw.normal(size=(MODELS, MONTHS, DAYS))
    noise += np.sqrt(shared) * draw.normal(size=(MONTHS, DAYS))
    # A model that has been released gains nothing more: what it would show without and with a gain is kept apart.
    tested = {with_gain: _p_values(noise, gain if with_gain else 0.0) for with_gain in (False, True)}
    ended = {}
    for name, rule in RULES.items():
        made, released = Year(better=chosen.size), np.zeros(MODELS, dtype=bool)
        for month in range(MONTHS):
            true = (begins <= month) & ~released
            p_values = np.where(true, tested[True][:, month], tested[False][:, month])
            proven = p_values < np.asarray(rule(p_values.tolist()))
            made.needless += int((proven & ~true).sum())
            made.found += int((proven & true).sum())
            made.wrong.append(float((proven & ~true).sum() / max(1, proven.sum())))
            released |= proven & true
        ended[name] = made
    return ended


def _p_values(noise: FloatArray, gain: float) -> FloatArray:
    """One-sided p-values, shape (models, months), of a mean that is so many standard errors of a month above 0."""
    counts, p_values = np.full(DAYS, ROWS), np.empty(noise.shape[:2])
    for model, months in enumerate(noise):
        past: list[tuple[FloatArray, FloatArray]] = []
        for month, days in enumerate(months):
            mean = days.mean()
            sums = (days - mean) * ROWS
            interval = cluster_interval(
                mean + gain / np.sqrt(DAYS), sums, counts, cluster_by="day", seen=inflation(past) if past else None
            )
            assert interval is not None
            p_values[model, month] = interval.p_value
            past.append((sums, counts))
    return p_values


def _lines(years: Sequence[dict[str, Year]]) -> Iterator[str]:
    for name in RULES:
        made = [each[name] for each in years]
        needless, found = (np.array([getattr(each, what) for each in made]) for what in ("needless", "found"))
        better = np.array([each.better for each in made])
        share = needless.sum() / max(1, (needless + found).sum())
        wrong = np.array([np.mean(each.wrong) for each in made])
        yield (
            f"| {name} | {_mean(needless, 1)} | {100 * share:.0f} % | {_mean(100 * wrong, 1)} % | "
            f"{_mean(100 * found / better, 0)} % |"
        )


def _mean(values: FloatArray, digits: int) -> str:
    """The mean with its 95 % interval over years."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.{digits}f} ± {half:.{digits}f}"


def main() -> None:
    """Print one table without a shock and one with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--years", type=int, default=40)
    parser.add_argument("--gain", type=float, default=4.0, help="in standard errors of a month")
    given = parser.parse_args()
    for shared in (0.0, 0.3):
        with ProcessPoolExecutor(2) as pool:
            made = list(pool.map(partial(year, given.gain, shared), range(given.years)))
        print(f"\nA gain of {given.gain:g} standard errors, ρ = {shared:g}, {given.years} years:\n")
        print("| rule | needless releases a year | of all releases | of a month's releases | found in the year |")
        print("|---|---:|---:|---:|---:|")
        print("\n".join(_lines(made)), flush=True)


if __name__ == "__main__":
    main()
