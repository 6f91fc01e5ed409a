"""False-alarm rates by resampling blocks of a use case's own days.

Neighbouring days are alike, so blocks of two weeks are drawn instead of days. Within each champion's days the mean is
removed, so what is resampled is its ordinary noise without a change.
Source: Künsch (1989), The jackknife and the bootstrap for general stationary observations (moving blocks).

A resampled year repeats the blocks that were seen, so four calm blocks give calm years only. What a block that was
not seen could do is bounded by their number alone: of n blocks without an alarm, up to 1 - 0.025^(1/n) of all may have
one. Source: Clopper & Pearson (1934), the upper limit for no success in n trials; Hanley & Lippman-Hand (1983).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.watching.e_sr import spread
from perennial.watching.gap_days import WARM_UP
from perennial.watching.gap_statistic import course

BLOCK = 14
FEWEST_DAYS = 4 * BLOCK
HISTORIES, YEARS_EACH, DAYS = 30, 8, 365
"""Resampled years: 240. Each of the 30 histories is drawn anew from the blocks, so the interval has their luck too."""
_LENGTH, _CALM, _WINDOW, _STEP = 14, 7, 28, 7


@dataclass(frozen=True)
class Rate:
    """Alarms per year without a cause, with its 95 % interval; pages among them. high: see `rate_from`."""

    per_year: float
    low: float
    high: float
    pages: float = 0.0

    @property
    def years(self) -> float:
        """Resampled years."""
        return float(HISTORIES * YEARS_EACH)


def rate_of(
    runs: Sequence[FloatArray], alarms: Callable[[FloatArray, np.random.Generator], tuple[int, int]], *, seed: int
) -> Rate:
    """Resample years from the runs and count.

    runs: days in order, one array for each champion, one of them with at least `BLOCK` days. alarms: from a year of
    days to the numbers of alarms and pages. The same seed gives the same rate.
    """
    draw = np.random.default_rng(seed)
    blocks = [run[at : at + BLOCK] for run in runs for at in range(max(run.size - BLOCK + 1, 0))]
    counts = np.zeros((HISTORIES, 2))
    for history in counts:
        some = [blocks[at] for at in draw.integers(0, len(blocks), max(2, sum(run.size for run in runs) // BLOCK))]
        for _ in range(YEARS_EACH):
            days = np.concatenate([some[at] for at in draw.integers(0, len(some), (DAYS + WARM_UP) // BLOCK + 1)])
            history += alarms(days[: DAYS + WARM_UP], draw)
    return rate_from(counts[:, 0], sum(run.size // BLOCK for run in runs), pages=float(counts[:, 1].mean()))


def rate_from(alarms: FloatArray, blocks: int, *, pages: float = 0.0) -> Rate:
    """The rate by the alarms of `YEARS_EACH` years in each history, shape (HISTORIES,). pages: of a history on average.

    blocks: how many independent ones there are. The upper end is never below what they leave open: see `open_rate`.
    """
    rates = alarms / YEARS_EACH
    low, high = np.quantile(rates, [0.025, 0.975])
    return Rate(float(rates.mean()), float(low), max(float(high), open_rate(blocks)), pages / YEARS_EACH)


def open_rate(blocks: int) -> float:
    """Alarms a year that so many independent blocks leave possible although none of them had one: a 97.5 % bound.

    >>> [round(open_rate(blocks), 1) for blocks in (4, 26, 104)]
    [15.7, 3.4, 0.9]
    """
    return DAYS / BLOCK * (1 - 0.025 ** (1 / max(blocks, 1)))


def gap_alarms(limit: float, epsilon: float) -> Callable[[FloatArray, np.random.Generator], tuple[int, int]]:
    """How many episodes the gap opens in a year after a warm-up; it never pages."""

    def count(days: FloatArray, _: np.random.Generator) -> tuple[int, int]:
        sd = spread(days[:WARM_UP])
        return (len(course(days[WARM_UP:], sd=sd, limit=limit, epsilon=epsilon).opened), 0) if sd > 0 else (0, 0)

    return count


def level_alarms(
    tolerance: float, reference_days: int, *, page_at: float
) -> Callable[[FloatArray, np.random.Generator], tuple[int, int]]:
    """How many episodes the level opens in a year, and how many become a page.

    Days are losses relative to their usual mean, so 0 is as usual. The reference is drawn as `reference_days` of them.
    As in the channel the newest 28 days are compared by Welch's bound; here once a week.
    """

    def count(days: FloatArray, draw: np.random.Generator) -> tuple[int, int]:
        start = int(draw.integers(0, max(days.size - reference_days, 1)))
        reference = days[start : start + reference_days]
        opened = paged = 0
        since: int | None = None
        risen, calm = False, 0
        for end in range(WARM_UP, days.size + 1, _STEP):
            bound, worsening = _bound(days[end - _WINDOW : end], reference)
            if since is None and bound > tolerance:
                since, risen, calm, opened = end, False, 0, opened + 1
            elif since is not None:
                if bound > page_at * tolerance and end - since >= _LENGTH and not risen:
                    risen, paged = True, paged + 1
                calm = calm + _STEP if worsening <= tolerance / 2 else 0
                if calm >= _CALM and end - since >= _LENGTH:
                    since = None
        return opened, paged

    return count


def _bound(now: FloatArray, reference: FloatArray) -> tuple[float, float]:
    """The lower bound of the worsening (one-sided 97.5 %), and the worsening, as shares of the reference."""
    from scipy import special

    first, second = (float(each.var(ddof=1)) / each.size for each in (now, reference))
    worsening = float((1 + now.mean()) / (1 + reference.mean()) - 1)
    if first + second == 0:
        return worsening, worsening
    df = (first + second) ** 2 / (first**2 / (now.size - 1) + second**2 / (reference.size - 1))
    return worsening - float(special.stdtrit(df, 0.975)) * (first + second) ** 0.5, worsening
