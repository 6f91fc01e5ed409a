"""Seeded streams of labelled rows with a live model, for benchmarks of monitoring. Pure: nothing is read or written.

Every stream has 56 days before the release, which give the reference, and days after it. The live model is the best one
for the concept before the change, so that without a change no fresh model can be better. Kinds without a change:

- `calm`: days are independent.
- `correlated`: all rows of a day share an error in the log odds, AR(1) with ρ = 0.6 and standard deviation 0.3.
- `season`: correlated, and the feature that decides varies less in one half of the year, so the loss rises and falls by
  about a quarter although the concept stays the same.

A change sets in on day 120 after the release: the weights are turned until the live model loses 5, 10 or 25 % more than
before. `gradual` reaches 25 % over 90 days. Changes of the inputs set in on the same day, and the live model predicts
from what it gets: a fifth of the rows has a carrier never seen, `x` is missing (the model takes 0), or `x` is converted
from °F to °C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

REFERENCE_DAYS, CHANGE_DAY, GRADUAL_DAYS = 56, 120, 90
KINDS = ("calm", "correlated", "season")
CHANGES = {"+5 %": 0.05, "+10 %": 0.10, "+25 %": 0.25, "gradual to +25 %": 0.25}
INPUT_CHANGES = ("new category", "feature dropped", "unit change")
_WEIGHTS = np.array([1.3, 0.7])
_CARRIERS = {"AA": 0.6, "UA": 0.0, "DL": -0.6}


@dataclass(frozen=True)
class Stream:
    """Rows in order of time. day: shape (n,), from 0. labels: 0 or 1. predicted: by the live model."""

    rows: pd.DataFrame
    day: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray


def stream(kind: str, seed: int, *, days: int, change: str | None = None, rows_a_day: int = 60) -> Stream:
    """A stream of `REFERENCE_DAYS` and `days` more; change: of `CHANGES` or `INPUT_CHANGES`, or None."""
    draw = np.random.default_rng([seed, KINDS.index(kind)])
    whole = REFERENCE_DAYS + days
    day = np.repeat(np.arange(whole), rows_a_day)
    x = draw.normal(0, 1, (day.size, 2))
    if kind == "season":
        x[:, 0] *= 1 - 0.45 * np.sin(2 * np.pi * (day - REFERENCE_DAYS) / 365)
    carrier = draw.choice(list(_CARRIERS), day.size)
    noise = np.zeros(whole) if kind == "calm" else _correlated(draw, whole)
    offset = np.array([_CARRIERS[name] for name in carrier])
    before = x @ _WEIGHTS + offset
    score = before
    if change in CHANGES:
        since = day - REFERENCE_DAYS - CHANGE_DAY
        part = np.clip(since / GRADUAL_DAYS, 0, 1) if change.startswith("gradual") else (since >= 0).astype(float)
        angle = angle_for(CHANGES[change])
        score = _turned(x, part * angle) + offset
    labels = (draw.random(day.size) < _chance(score + noise[day])).astype(float)
    if change in INPUT_CHANGES:
        carrier, before = _changed(change, day >= REFERENCE_DAYS + CHANGE_DAY, x, carrier, draw)
    frame = pd.DataFrame(
        {"x": x[:, 0], "z": x[:, 1], "noise": draw.normal(0, 1, day.size), "carrier": pd.array(carrier, "str")}
    )
    return Stream(frame, day, labels, _chance(before))


def _changed(
    change: str, rows: np.ndarray, x: np.ndarray, carrier: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Change the inputs of these rows, `x` in place: the carriers, and the score that the live model gives."""
    if change == "new category":
        carrier = np.where(rows & (draw.random(rows.size) < 0.2), "ZZ", carrier)
    elif change == "unit change":
        # x is a temperature of 50 ± 18 °F in standard deviations of that unit
        x[rows, 0] = ((50 + 18 * x[rows, 0] - 32) / 1.8 - 50) / 18
    else:
        x[rows, 0] = np.nan
    offset = np.array([_CARRIERS.get(name, 0.0) for name in carrier])
    return carrier, np.nan_to_num(x) @ _WEIGHTS + offset


@cache
def angle_for(more: float) -> float:
    """By how much the weights turn if the live model is to lose that share more."""
    draw = np.random.default_rng(0)
    x, offset = draw.normal(0, 1, (200_000, 2)), draw.choice(list(_CARRIERS.values()), 200_000)
    live = _chance(x @ _WEIGHTS + offset)

    def loss(angle: float) -> float:
        chance = _chance(_turned(x, np.full(len(x), angle)) + offset)
        return float(-(chance * np.log(live) + (1 - chance) * np.log(1 - live)).mean())

    low, high, target = 0.0, np.pi, (1 + more) * loss(0.0)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if loss(middle) < target else (low, middle)
    return (low + high) / 2


def _turned(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Scores with the weights turned, for each row by its angle."""
    weights = np.column_stack(
        [
            np.cos(angles) * _WEIGHTS[0] - np.sin(angles) * _WEIGHTS[1],
            np.sin(angles) * _WEIGHTS[0] + np.cos(angles) * _WEIGHTS[1],
        ]
    )
    scores: np.ndarray = (x * weights).sum(axis=1)
    return scores


def _correlated(draw: np.random.Generator, days: int, rho: float = 0.6, sd: float = 0.3) -> np.ndarray:
    errors, noise = draw.normal(0, sd, days), np.empty(days)
    noise[0] = errors[0]
    for day in range(1, days):
        noise[day] = rho * noise[day - 1] + (1 - rho**2) ** 0.5 * errors[day]
    return noise


def _chance(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-score))
