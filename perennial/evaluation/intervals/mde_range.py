"""How uncertain the smallest detectable gain itself is. Computed whenever one is printed, so without scipy."""

from __future__ import annotations

from functools import cache
from math import exp, lgamma, log


def range_of_mde(mde: float, df: float) -> tuple[float, float]:
    """The range that holds 90 % of such effects around `mde`, which is as noisy as the standard error behind it.

    df·SE²/σ² follows a chi-square with `df` degrees of freedom: the ends are its 5 % and 95 % points.

    >>> [round(end, 2) for end in range_of_mde(1.0, 4)]
    [0.42, 1.54]
    """
    return mde * (_chi_square(0.05, df) / df) ** 0.5, mde * (_chi_square(0.95, df) / df) ** 0.5


@cache
def _chi_square(share: float, df: float) -> float:
    """The quantile `share` of a chi-square distribution, by bisection."""
    low, high = 0.0, df + 10 * (2 * df) ** 0.5 + 40.0  # the mean, and ten standard deviations
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _chi_square_below(middle, df) < share else (low, middle)
    return low


def _chi_square_below(point: float, df: float) -> float:
    """Probability below `point`: the lower incomplete gamma function's series."""
    shape, half = df / 2, point / 2
    term = exp(shape * log(half) - half - lgamma(shape + 1))
    total, k = term, 1
    while term > 1e-16 * total:
        term *= half / (shape + k)
        total += term
        k += 1
    return total
