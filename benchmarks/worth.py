"""Does `perennial worth` find what retraining is worth? On simulated streams with real fits, whose truth is known.

    python benchmarks/worth.py                # 50 streams of each kind; some minutes
    python benchmarks/worth.py --streams 5    # a quick look

Thirty monthly batches, 30 days of 20 rows each, and a logistic model that learns from one batch. Its five weights drift
slowly, or not at all. The cost of a model is its log loss, and a retraining has a price in the same unit. The truth is
the mean cost of each schedule over as many other streams that drift. With drift, the interval of the schedule that is
truly best should contain its true cost in nine of ten streams. Without drift, retraining should not be shown to be
worth its price.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.backtest.staleness import EVERY, Staleness, staleness  # noqa: E402
from perennial.backtest.stream import Model, Predicted, Stream  # noqa: E402
from perennial.evaluation.judgement import Asked  # noqa: E402

MONTHS, DAYS, ROWS_A_DAY, FEATURES = 30, 30, 20, 5
DRIFT = 0.08
"""The standard deviation of a month's change of each weight."""
PRICE = 0.015
"""Of one retraining, in log loss per row of a batch."""
OTHERS = 10_000
"""The first seed of the streams that give the truth."""


def stream(drift: float, seed: int) -> Stream:
    """A stream with a model of each batch, which learned from that batch alone."""
    from scipy.special import expit
    from sklearn.linear_model import LogisticRegression

    random, n = np.random.default_rng(seed), MONTHS * DAYS * ROWS_A_DAY
    steps = random.normal(0, drift, (MONTHS, FEATURES))
    steps[0] = random.normal(0, 0.7, FEATURES)
    day = np.repeat(np.arange(MONTHS * DAYS), ROWS_A_DAY)
    month, x = day // DAYS, random.normal(size=(n, FEATURES))
    labels = (random.random(n) < expit((x * steps.cumsum(axis=0)[month]).sum(axis=1) - 0.5)).astype(float)
    models: dict[Model, Predicted | None] = {}
    for last in range(MONTHS - 1):
        mine, later, predicted = month == last, month > last, np.full(n, np.nan)
        predicted[later] = LogisticRegression().fit(x[mine], labels[mine]).predict_proba(x[later])[:, 1]
        models[Model("one batch", last)] = Predicted(predicted, float(labels[mine].mean()))
    days = 30.4 * np.arange(1.0, MONTHS + 1)
    return Stream(
        task="binary",
        primary="log_loss",
        lower_is_better=True,
        metrics=lambda _: (Asked("log_loss", "primary"),),
        labels=labels,
        arrived=month,
        moment=month,
        cluster=day,
        day=day,
        days=days,
        year=(days // 365.25).astype(np.int64),
        newest=np.zeros(MONTHS, dtype=np.int64),
        left_out=np.zeros(MONTHS),
        models=models,
        windows=("one batch",),
    )


def measured(drift: float, seed: int) -> Staleness:
    """What is measured on one stream."""
    on = stream(drift, seed)
    made = staleness(on, "one batch", lambda model, t: on.loss(((model, 1.0),), t), PRICE)
    assert made is not None, "two years and a half are enough"
    return made


def truth(streams: list[Staleness]) -> dict[int, tuple[float, float]]:
    """Batches between retrainings → the mean cost of that schedule and its standard error."""
    by = {k: [each.total.value for made in streams for each in made.schedules if each.every == k] for k in EVERY}
    return {k: (float(np.mean(v)), float(np.std(v, ddof=1) / len(v) ** 0.5)) for k, v in by.items() if v}


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=50)
    streams = parser.parse_args().streams
    with ProcessPoolExecutor() as pool:
        drifting, still, others = (
            list(pool.map(partial(measured, drift), range(first, first + streams)))
            for drift, first in ((DRIFT, 0), (0.0, 0), (DRIFT, OTHERS))
        )
    true = truth(others)
    best = min(true, key=lambda k: true[k][0])
    for k, (cost, se) in true.items():
        print(f"truth, every {k} batches: {cost:.5f} ± {se:.5f}{' (the best)' if k == best else ''}")
    own = [next(each.total for each in made.schedules if each.every == best) for made in drifting]
    covered = sum(
        each.low is not None and each.high is not None and each.low <= true[best][0] <= each.high for each in own
    )
    print(f"with drift: the interval contains the true cost of the best schedule in {covered} of {streams}")
    near = sum(made.best.every is not None and true[made.best.every][0] <= 1.1 * true[best][0] for made in drifting)
    print(f"with drift: the chosen schedule truly costs at most 10 % more than the best in {near} of {streams}")
    worthless = sum(not made.schedules[-1].is_proven_dearer for made in still)
    print(f"without drift: never retraining is not proven dearer than another schedule in {worthless} of {streams}")
    never = sum(made.best.every is None for made in still)
    print(f"without drift: never retraining costs least in {never} of {streams}")


if __name__ == "__main__":
    main()
