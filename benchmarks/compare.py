"""Time a comparison of two models on 1,000,000 rows against scikit-learn's point values and against a bootstrap.

    python benchmarks/compare.py              # five metrics, twenty slices, both models; two minutes

Ours computes values, gains, intervals and verdicts on all rows and on each slice. The scikit-learn side computes only
the values of both models. The bootstrap resamples days and computes both models' values on all rows, without slices; a
few resamples are timed and multiplied.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from sklearn import metrics as sk

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.side_by_side import HEAD, in_turns  # noqa: E402
from perennial.evaluation.comparison import compare  # noqa: E402
from perennial.evaluation.judgement import Asked  # noqa: E402
from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.paired import paired  # noqa: E402
from perennial.evaluation.slices import Sliced, compare_slices  # noqa: E402

ROWS, DAYS, SLICES, RESAMPLES, TIMED = 1_000_000, 365, 20, 999, 3
NAMES = ("log_loss", "brier", "roc_auc", "average_precision", "recall@0.3")
Values = Callable[[np.ndarray, np.ndarray], float]
THEIRS: tuple[Values, ...] = (
    sk.log_loss,
    sk.brier_score_loss,
    sk.roc_auc_score,
    sk.average_precision_score,
    lambda y, p: float(sk.recall_score(y, p >= 0.3)),
)


def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities of both models, days and slices."""
    random = np.random.default_rng(0)
    score = random.normal(size=ROWS)
    y = (random.random(ROWS) < 1 / (1 + np.exp(-score + 1))).astype(float)
    models = [1 / (1 + np.exp(-score + 1 + 0.3 * random.normal(size=ROWS))) for _ in range(2)]
    day = np.sort(random.integers(0, DAYS, ROWS))
    return y, models[0], models[1], day, random.integers(0, SLICES, ROWS)


def ours(y: np.ndarray, a: np.ndarray, b: np.ndarray, day: np.ndarray, of: np.ndarray) -> None:
    compare(paired(y, a, b, day), metrics=[Asked(NAMES[0], "primary"), *(Asked(name, "info") for name in NAMES[1:])])
    column = Sliced("slice", tuple(f"{code}" for code in range(SLICES)), of)
    for name in NAMES:
        compare_slices(load_metric(name), paired(y, a, b, day), [column])


def theirs(y: np.ndarray, a: np.ndarray, b: np.ndarray, day: np.ndarray, of: np.ndarray) -> None:
    parts = [np.ones(ROWS, dtype=bool), *(of == code for code in range(SLICES))]
    for rows in parts:
        for p in (a, b):
            for value in THEIRS:
                value(y[rows], p[rows])


def resampled(y: np.ndarray, a: np.ndarray, b: np.ndarray, day: np.ndarray) -> float:
    """Seconds for one resample of days."""
    places = np.split(np.arange(ROWS), np.flatnonzero(np.diff(day)) + 1)
    random, seconds = np.random.default_rng(1), []
    for _ in range(TIMED):
        started = time.perf_counter()
        rows = np.concatenate([places[d] for d in random.integers(0, DAYS, DAYS)])
        for p in (a, b):
            for value in THEIRS:
                value(y[rows], p[rows])
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Measure both sides in turns and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=5)
    runs: int = asked.parse_args().runs
    y, a, b, day, of = drawn()
    found = in_turns(partial(ours, y, a, b, day, of), partial(theirs, y, a, b, day, of), runs)
    print(HEAD)
    print(found.row("5 metrics, 20 slices, 2 models, 1,000,000 rows"))
    one, whole = resampled(y, a, b, day), statistics.median(found.ours)
    print(
        f"\nA bootstrap with {RESAMPLES} resamples of days, without slices, would take {RESAMPLES * one:,.0f} s "
        f"({TIMED} timed at {one:.2f} s each): {RESAMPLES * one / whole:,.0f} times ours."
    )


if __name__ == "__main__":
    main()
