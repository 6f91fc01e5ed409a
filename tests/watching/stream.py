"""A stream of labelled days since a release, as the gap channel sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.watching.after_release import AfterRelease

FIRST = np.datetime64("2024-01-01")


@dataclass(frozen=True)
class Columns:
    """In place of a recipe: the input is these columns as they are."""

    names: tuple[str, ...] = ("x", "carrier")

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[list(self.names)]


def stream(
    days: int,
    *,
    changes_at: int | None = None,
    rows_a_day: int = 150,
    delay_days: int = 1,
    labelled: float = 1.0,
    season: float = 0.0,
    seed: int = 0,
) -> AfterRelease:
    """Rows of `days` days; from day `changes_at` on the concept is another one.

    season: size of a yearly wave in the noise of both models. labelled: share of rows with a label.
    """
    draw = np.random.default_rng(seed)
    n = days * rows_a_day
    day = np.repeat(np.arange(days), rows_a_day)
    x, carrier = draw.normal(0, 1, n), draw.choice(["AA", "UA"], n)
    score = 1.2 * x + 0.3 * draw.normal(0, 1, days)[day]
    champion = 1 / (1 + np.exp(-1.2 * x))
    if changes_at is not None:
        score = np.where((day >= changes_at) & (carrier == "AA"), -0.6 * x, score)
    score = score * (1 - season * np.sin(2 * np.pi * day / 365))
    labels = (draw.random(n) < 1 / (1 + np.exp(-score))).astype(float)
    dates = FIRST + day
    has = draw.random(n) < labelled
    frame = pd.DataFrame({"x": x, "carrier": pd.array(carrier, "str")})
    return AfterRelease(
        rows=frame[has].reset_index(drop=True),
        days=dates[has],
        known=(dates[has] + np.timedelta64(delay_days, "D")).astype("datetime64[us]"),
        labels=labels[has],
        predicted=champion[has],
        rows_of_day={FIRST + each: rows_a_day for each in range(days)},
    )


def until(whole: AfterRelease, day: int) -> AfterRelease:
    """What is known at the beginning of that day, from 0."""
    seen = whole.known <= (FIRST + day).astype("datetime64[us]")
    return AfterRelease(
        rows=whole.rows[seen].reset_index(drop=True),
        days=whole.days[seen],
        known=whole.known[seen],
        labels=whole.labels[seen],
        predicted=whole.predicted[seen],
        rows_of_day={each: rows for each, rows in whole.rows_of_day.items() if each < FIRST + day},
    )
