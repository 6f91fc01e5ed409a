"""The e-SR statistic: how strongly a series of days shows that its mean is above zero."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray

DAYS_A_YEAR = 365.0
CLIP = 6.0
DECAY = 0.97
_LEAST_BET, _LARGEST_BET = 0.02, 0.5


def spread(reference: FloatArray) -> float:
    """The sample standard deviation of the days by which others are scaled.

    >>> float(spread(np.tile([-0.1, 0.1], 14)))
    0.10183501544346313
    """
    return float(np.std(reference, ddof=1))


def bets(days: FloatArray, *, sd: float, epsilon: float = 0.0, decay: float = DECAY) -> tuple[FloatArray, FloatArray]:
    """Each day's outcome z in [−1, 1], and the share λ in [0, 0.5] that is bet on it, both shape (n,).

    z = (x − ε) / 6 sd, clipped. λ = mean / (variance + mean²) of earlier outcomes, whose weights shrink by `decay` per
    day; variance + mean² is their mean square. It is 0.02 if nothing, or the opposite, was seen so far. λ never depends
    on its own day.
    """
    outcomes = np.clip((np.asarray(days, dtype=np.float64) - epsilon) / (CLIP * sd), -1.0, 1.0)
    shares = np.empty_like(outcomes)
    first = second = 0.0
    for day, z in enumerate(outcomes):
        best = first / second if second > 0 else 0.0
        shares[day] = min(best, _LARGEST_BET) if best > 0 else _LEAST_BET
        first, second = decay * first + z, decay * second + z * z
    return outcomes, shares


def e_sr(days: FloatArray, *, sd: float, limit: float = DAYS_A_YEAR, epsilon: float = 0.0) -> FloatArray:
    """The statistic M ← (M + 1)(1 + λz) after each day, shape (n,): an alarm is due where it is above `limit`.

    days: shape (n,), for example how much less a fresh model loses each day. sd: of such days, above 0 (`spread`).
    epsilon: a mean up to this is no reason for an alarm. After an alarm M starts again from 0. If days were
    independent, the mean time to a false alarm would be at least `limit` days; they are not, so the rate is measured on
    resampled blocks of days (`perennial.watching.calibration`).
    Source: Shin, Ramdas & Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection,
    https://doi.org/10.51387/23-NEJSDS51; λ as in Waudby-Smith & Ramdas (2024), Estimating means of bounded random
    variables by betting, https://doi.org/10.1093/jrsssb/qkad009.

    >>> sd = spread(np.tile([-0.1, 0.1], 14))
    >>> stream = np.tile([-0.1, 0.1], 100)
    >>> [alarm_days(stream + shift, sd=sd) for shift in (0.0, 0.05, 0.1)]
    [[], [71, 143], [43, 87, 131, 175]]
    """
    statistic, m = np.empty(len(days)), 0.0
    outcomes, shares = bets(days, sd=sd, epsilon=epsilon)
    for day, (z, share) in enumerate(zip(outcomes, shares, strict=True)):
        m = (m + 1) * (1 + share * z)
        statistic[day] = m
        if m > limit:
            m = 0.0
    return statistic


def alarm_days(days: FloatArray, *, sd: float, limit: float = DAYS_A_YEAR, epsilon: float = 0.0) -> list[int]:
    """Positions, from 0, of the days on which an alarm is due: see `e_sr`."""
    return np.flatnonzero(e_sr(days, sd=sd, limit=limit, epsilon=epsilon) > limit).tolist()
