"""Simulated stages: days of labels, of arms and of values, each from a seed."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.judgement import Asked
from perennial.evaluation.paired import Paired, paired
from perennial.evaluation.staged.evidence import ArmLabels, Evidence, Labelled, Traffic, Values

ANSWERED = Traffic(
    champion_records=9_000,
    candidate_records=1_000,
    champion_keys=9_000,
    candidate_keys=1_000,
    champion_asked=10_000,
    candidate_asked=10_000,
    both_scored=10_000,
    recomputed=200,
)
METRICS = (Asked("mae", "primary"),)


def days_of(losses: FloatArray, *, rows: int = 1) -> Paired:
    """Days on which the candidate's error is larger by `losses`, shape (T,), in mean absolute error."""
    day = np.repeat(np.arange(losses.size), rows)
    return paired(np.zeros(day.size), np.full(day.size, 10.0), 10.0 + losses[day], day)


def stage(
    pairs: Paired | None = None,
    *,
    day: float,
    planned: float = 28,
    looks: tuple[float, ...] = (),
    traffic: Traffic = ANSWERED,
    metrics: tuple[Asked, ...] = METRICS,
) -> Evidence:
    """A canary of a tenth of the keys, without feedback."""
    return Evidence("canary", 0.1, "none", planned, day, traffic, looks=looks, pairs=pairs, metrics=metrics)


def arms(seed: int, *, share: float = 0.5, accepts: float = 0.0, moves: float = 0.0, days: int = 20) -> Labelled:
    """Both arms' labels by day: 40 % of rows with a label, 30 % of labels positive; days differ, the same in both arms.

    accepts, moves: what the candidate's decision adds to the share with a label and to the share of positives.
    """
    random = np.random.default_rng(seed)
    of_day = random.normal(0, 0.08, (2, days))
    made = []
    for rows, more, moved in ((1 - share, 0.0, 0.0), (share, accepts, moves)):
        asked = random.poisson(1_000 * rows, days)
        labelled = random.binomial(asked, np.clip(0.4 + of_day[0] + more, 0, 1))
        positive = random.binomial(labelled, np.clip(0.3 + of_day[1] + moved, 0, 1))
        made.append(ArmLabels(asked.astype(np.int64), labelled.astype(np.int64), positive.astype(np.float64)))
    return Labelled(*made)


def values(seed: int, *, loss: float = 0.0, share: float = 0.5, days: int = 28, keys: int = 60) -> Values:
    """Keys worth 5 ± 3 each, 60 per day, on days that differ; the candidate's arm earns `loss` less per key."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), keys)
    candidate = random.random(day.size) < share
    value = 5 + random.normal(0, 1, days)[day] + random.normal(0, 3, day.size) - loss * candidate
    return Values(value, candidate, day)
