"""How far an ordinary period is from the reference: thresholds from resampled blocks of days.

Rows of one day are alike, and so are neighbouring days, so a batch of a week is far from the reference's distribution
even if nothing changed: on bikes and flights, the usual fixed limits called 41 to 56 % of feature checks of an ordinary
week drift. The reference's own days, drawn in blocks, show how far such a period usually is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.watching.statistics.distances import psis

BLOCK_DAYS = 7
MIN_DAYS = 28
RESAMPLES = 500
LONGEST = 400
SHARE = 0.975
"""A period without change is below the thresholds of all features together in this share of the resamples."""


def thresholds(reference: Sequence[IntArray], days: int, *, seed: int = 0) -> FloatArray | None:
    """The PSI that each feature reaches by chance in a period of that many days, shape (F,); None below `MIN_DAYS`.

    reference: for each feature, shape (D, C), the rows of each day in each of the champion's bins.
    The circular block bootstrap (Politis & Romano 1992) of days that have rows, with the same days for all features.
    Each feature's 97.5 % quantile is then raised by one factor, so that all features together are below their
    thresholds in 97.5 % of the resamples, however they depend on each other. Because the index grows like a variance,
    `chance_of_reference` multiplies it.
    """
    known = len(reference[0]) if reference else 0
    if known < MIN_DAYS or days < 1:
        return None
    # Most days are not drawn, so a sparse product takes less. It has no threads that wait for each other, as BLAS has.
    # There is one for all features: the numbers are whole, so the sums are exact in any order.
    times = csr_array(drawn_days(known, days, np.random.default_rng(seed)))
    ends = np.cumsum([each.shape[1] for each in reference])
    rows = np.split(times @ np.concatenate(reference, axis=1).astype(np.float64), ends[:-1], axis=1)
    drawn = [psis(each.sum(axis=0), now) for each, now in zip(reference, rows, strict=True)]
    own = [np.quantile(each, SHARE) for each in drawn]
    largest = np.max([each / max(limit, 1e-12) for each, limit in zip(drawn, own, strict=True)], axis=0)
    return np.array(own) * max(1.0, float(np.quantile(largest, SHARE))) * chance_of_reference(known, days)


def chance_of_reference(known: int, days: int) -> float:
    """By how much the variance of a difference grows because the reference is a sample too: of `known` days.

    The resamples hold the reference fixed, so they contain only the variance of a period of `days` days.
    """
    return 1 + min(days, LONGEST) / known


def drawn_days(known: int, days: int, rng: np.random.Generator) -> FloatArray:
    """How often each of the known days is drawn in each of `RESAMPLES` periods of `days` days, shape (R, known)."""
    days = min(days, LONGEST)
    blocks = -(-days // BLOCK_DAYS)
    starts = rng.integers(0, known, size=(RESAMPLES, blocks, 1))
    places = ((starts + np.arange(BLOCK_DAYS)) % known).reshape(RESAMPLES, -1)[:, :days]
    times = np.zeros((RESAMPLES, known))
    np.add.at(times, (np.arange(RESAMPLES)[:, None], places), 1)
    return times
