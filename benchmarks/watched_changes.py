"""Which check of the inputs finds which change, and how often each rings on an ordinary week. Seeded.

    python benchmarks/watched_changes.py [--streams 200]

A stream has 120 days of 200 rows: three weather-like numbers whose days are correlated, one of them with a season, a
number without any day effect, and a category. A check compares the next week with these days. The usual checks are at
their tools' defaults: Kolmogorov–Smirnov with p < 0.05 for numbers and χ² for the category, and the population
stability index above 0.1 and above 0.2 in ten bins. A week counts as flagged if any feature is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from perennial.watching.channels.features import feature_changes
from perennial.watching.statistics.counting import row_days
from perennial.watching.statistics.frames import grids_of
from tests.watching.counted_inputs import count_inputs

DAYS, ROWS, WEEK = 120, 200, 7


def stream(seed: int) -> pd.DataFrame:
    """120 days and the week after them, with the number of the day."""
    draw = np.random.default_rng(seed)
    many = DAYS + WEEK
    weather = np.zeros((many, 3))
    for day in range(1, many):
        weather[day] = 0.7 * weather[day - 1] + draw.normal(0, 0.5, 3)
    season = np.sin(2 * np.pi * (np.arange(many) + draw.integers(0, 365)) / 365)
    day = np.repeat(np.arange(many), ROWS)
    n = day.size
    return pd.DataFrame(
        {
            "day": day,
            "temperature": 55 + 12 * season[day] + 8 * weather[day, 0] + draw.normal(0, 4, n),
            "wind": np.exp(weather[day, 1] * 0.5 + draw.normal(0, 0.5, n)),
            "humidity": 60 + 10 * weather[day, 2] + draw.normal(0, 10, n),
            "distance": draw.gamma(2.0, 400.0, n),
            "carrier": draw.choice(["AA", "B6", "DL", "EV", "UA"], n, p=[0.3, 0.25, 0.2, 0.15, 0.1]),
        }
    )


def new_category(week: pd.DataFrame, seed: int) -> pd.DataFrame:
    rows = np.random.default_rng(seed).random(len(week)) < 0.2
    return week.assign(carrier=week["carrier"].where(~rows, "ZZ"))


CHANGES: dict[str, Callable[[pd.DataFrame, int], pd.DataFrame]] = {
    "nothing (false alarms)": lambda week, seed: week,
    "new category in 20 % of rows": new_category,
    "feature dropped (all missing)": lambda week, seed: week.assign(humidity=np.nan),
    "a third of a feature missing": lambda week, seed: week.assign(
        distance=week["distance"].where(np.random.default_rng(seed).random(len(week)) > 1 / 3)
    ),
    "°F → °C": lambda week, seed: week.assign(temperature=(week["temperature"] - 32) / 1.8),
    "a number doubled": lambda week, seed: week.assign(distance=2 * week["distance"]),
}


def day_blocks(before: pd.DataFrame, week: pd.DataFrame) -> bool:
    """The `features` channel."""
    inputs = before.drop(columns="day")
    grids = grids_of(inputs)
    trained = count_inputs(inputs, row_days(before["day"].to_numpy()), grids)
    now = count_inputs(week.drop(columns="day"), row_days(week["day"].to_numpy()), grids)
    changes = feature_changes(trained, now, grids, {}, {})
    assert changes is not None
    return any(change.alarm for change in changes)


def significant(before: pd.DataFrame, week: pd.DataFrame) -> bool:
    """Kolmogorov–Smirnov or χ², p < 0.05, missing values left out; a feature without values is not tested."""
    for name in before.columns.drop("day"):
        then, now = before[name].dropna(), week[name].dropna()
        if not len(now):
            continue
        if name == "carrier":
            table = pd.concat([then.value_counts(), now.value_counts()], axis=1).fillna(0).to_numpy()
            p = stats.chi2_contingency(table)[1]
        else:
            p = stats.ks_2samp(then, now).pvalue
        if p < 0.05:
            return True
    return False


def fixed_psi(limit: float) -> Callable[[pd.DataFrame, pd.DataFrame], bool]:
    """The index in ten bins of equal mass, missing values left out."""

    def check(before: pd.DataFrame, week: pd.DataFrame) -> bool:
        for name in before.columns.drop("day"):
            then, now = before[name].dropna(), week[name].dropna()
            if not len(now):
                continue
            if name == "carrier":
                both = pd.concat([then.value_counts(), now.value_counts()], axis=1).fillna(0).to_numpy()
            else:
                edges = np.quantile(then, np.arange(0.1, 1, 0.1))
                both = np.stack([np.bincount(np.searchsorted(edges, each), minlength=10) for each in (then, now)], 1)
            p, q = np.maximum(both / both.sum(axis=0), 1e-4).T
            if float(((q - p) * np.log(q / p)).sum()) > limit:
                return True
        return False

    return check


CHECKS = {
    "features channel": day_blocks,
    "KS / χ² p < .05": significant,
    "PSI > .1": fixed_psi(0.1),
    "PSI > .2": fixed_psi(0.2),
}


def main() -> None:
    """Share of streams that each check flags."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--streams", type=int, default=200)
    streams = options.parse_args().streams
    flagged: Counter[tuple[str, str]] = Counter()
    for seed in range(streams):
        rows = stream(seed)
        before, week = rows[rows["day"] < DAYS], rows[rows["day"] >= DAYS]
        for change, make in CHANGES.items():
            changed = make(week, seed)
            flagged.update((change, check) for check, look in CHECKS.items() if look(before, changed))
    print(f"| change in the week | {' | '.join(CHECKS)} |\n|---|{'---:|' * len(CHECKS)}")
    for change in CHANGES:
        shares = [_share(flagged[change, check], streams) for check in CHECKS]
        print(f"| {change} | {' | '.join(shares)} |")


def _share(many: int, streams: int) -> str:
    """With its 95 % interval (Wilson)."""
    interval = stats.binomtest(many, streams).proportion_ci(method="wilson")
    return f"{100 * many / streams:.0f} % ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


if __name__ == "__main__":
    main()
