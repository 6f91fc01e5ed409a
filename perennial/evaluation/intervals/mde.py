"""The minimal detectable effect: the smallest true gain that a test would most likely have detected."""

from __future__ import annotations

ALPHA = 0.05
POWER = 0.8
MIN_CLUSTERS = 15
"""Days or weeks below which nothing is decided."""


def minimal_detectable_effect(se: float, df: float, *, alpha: float = ALPHA) -> float:
    """The true gain that a one-sided test at `alpha` detects with probability 80 %, in the unit of `se`.

    SE·δ, where a Student t with `df` degrees of freedom and noncentrality δ exceeds its critical
    value t_{1−α} with probability 80 %. Source: the noncentral t distribution.

    >>> [round(minimal_detectable_effect(1.0, df), 3) for df in (4, 6, 8, 29)]
    [3.04, 2.822, 2.727, 2.547]
    """
    from scipy import special

    critical = float(special.stdtrit(df, 1 - alpha))
    return se * float(special.nctdtrinc(df, 1 - POWER, critical))
