"""Whether the target has a season: the same months of the year are high, or low, in every year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.evaluation.arrays import FloatArray

if TYPE_CHECKING:
    import pandas as pd

BY_CHANCE = 0.01
"""A season shows if months differ so much, beside how the same month differs between years, with a smaller chance."""
FEWEST_ROWS = 10
"""In a month, for its mean to count."""
MONTHS = 12


def years_with_a_season(times: pd.Series, target: pd.Series) -> int | None:
    """The number of whole years, two or more, over which the monthly mean of the target has a season; None without one.

    target: numbers, or classes, of which the share of the most frequent one counts.
    """
    means = monthly_means(times, target)
    years = len(means) // MONTHS
    if years < 2:
        return None
    table = means[: years * MONTHS].reshape(years, MONTHS)
    return years if np.isfinite(table).all() and chance_of(table) < BY_CHANCE else None


def monthly_means(times: pd.Series, target: pd.Series) -> FloatArray:
    """The mean of each month from the first to the last, NaN for one with too few rows."""
    import pandas as pd

    known = times.notna() & target.notna()
    months, values = times[known].dt.tz_localize(None).dt.to_period("M"), target[known]
    if not pd.api.types.is_numeric_dtype(values):
        values = (values == values.mode().iloc[0]).astype(float) if len(values) else values.astype(float)
    grouped = values.astype(float).groupby(months).agg(["mean", "size"])
    if grouped.empty:
        return np.empty(0)
    whole = grouped.reindex(pd.period_range(grouped.index.min(), grouped.index.max(), freq="M"))
    means: FloatArray = whole["mean"].where(whole["size"] >= FEWEST_ROWS).to_numpy(dtype=float)
    return means


def chance_of(table: FloatArray) -> float:
    """How often months would differ as much without a season, by the F test of a two-way analysis of variance.

    table: shape (years, 12). Years may differ in level.
    Source: Fisher (1925), Statistical Methods for Research Workers.

    >>> season = np.cos(np.arange(12) * np.pi / 6)
    >>> chance_of(np.array([season, season + 0.1 * season[::-1]])) < 0.01
    True
    """
    from scipy import stats

    years = len(table)
    around: Any = table - table.mean(axis=1, keepdims=True)
    by_month = around.mean(axis=0)
    left = ((around - by_month) ** 2).sum()
    free = (MONTHS - 1) * (years - 1)
    if left == 0:
        return 0.0 if by_month.any() else 1.0
    return float(stats.f.sf(years * (by_month**2).sum() / (MONTHS - 1) / (left / free), MONTHS - 1, free))
