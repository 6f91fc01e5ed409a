"""Confidence interval for a share that was counted."""

from __future__ import annotations

from math import sqrt

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval for the share of which `hits` of `n` independent cases were seen; 0 to 1 for n = 0.

    Source: Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 209–212.

    >>> [round(end, 4) for end in wilson(0, 20)], [round(end, 4) for end in wilson(15, 148)]
    ([0.0, 0.1611], [0.0624, 0.1605])
    """
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, _Z * _Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
