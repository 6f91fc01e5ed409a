"""Tests that are decided together: the level of each, such that of the proven ones few are wrong on average."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A p-value below `alpha`, which is rank/m of the family's level, is proven."""

    rank: int
    alpha: float


def levels(p_values: Sequence[float], fdr: float) -> list[Level]:
    """The level of each test in a family by Benjamini and Hochberg's step-up rule, in the order given.

    fdr: the share of wrong ones among the proven that is accepted on average, for independent tests.
    Of m sorted p-values let k be the largest rank with p₍ₖ₎ < k·fdr/m: the tests of the first k ranks are proven. The
    rank of a test here is the k that would hold if its own p-value were 0. It depends on the other tests alone, it is
    k for each proven test, and a test is proven exactly if its p-value is below its level.
    Source: Benjamini & Hochberg (1995), Controlling the false discovery rate, J. R. Statist. Soc. B 57, 289-300,
    section 3.1, with < in place of ≤ as in every other test here.

    >>> [(each.rank, round(each.alpha, 4)) for each in levels([0.001, 0.4, 0.03], 0.05)]
    [(2, 0.0333), (3, 0.05), (2, 0.0333)]
    """
    m, ordered = len(p_values), sorted(p_values)
    bounds = [rank * fdr / m for rank in range(1, m + 1)]
    below = [bisect_left(ordered, bound) for bound in bounds]
    proven = max((rank for rank, count in enumerate(below, 1) if count >= rank), default=0)
    # Another test would be proven too, if its p-value were 0, at each rank that lacks one and is not above its own.
    lacking = [rank for rank, count in enumerate(below, 1) if rank > proven and count == rank - 1]
    at = [bounds[rank - 1] for rank in lacking]
    own = [proven if proven and p < bounds[proven - 1] else lacking[bisect_right(at, p) - 1] for p in p_values]
    return [Level(rank, bounds[rank - 1]) for rank in own]
