"""How far two distributions over the same bins are apart."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray

SMOOTHING = 0.5


def psi(reference: IntArray, now: IntArray, smoothing: float = SMOOTHING) -> float:
    """The population stability index of two samples: the Jeffreys divergence Σ(q − p)·ln(q/p).

    reference, now: shape (B,), rows in each bin. smoothing: added to each, so that an empty bin is no infinity.
    Source: Lin (2017), Examining Distributional Shifts by Using Population Stability Index (PSI) for Model Validation
    and Diagnosis; Jeffreys (1946).

    >>> round(psi(np.array([50, 30, 20]), np.array([40, 30, 30])), 6)
    0.060884
    """
    p, q = _shares(reference, smoothing), _shares(now, smoothing)
    return float(((q - p) * np.log(q / p)).sum())


def psis(reference: FloatArray, now: FloatArray, smoothing: float = SMOOTHING) -> FloatArray:
    """`psi` of one reference, shape (B,), and many samples, shape (R, B), as shape (R,)."""
    p, q = _shares(reference, smoothing), _shares(now, smoothing)
    each: FloatArray = ((q - p) * np.log(q / p)).sum(axis=-1)
    return each


def jensen_shannon(reference: IntArray, now: IntArray) -> float:
    """The Jensen–Shannon distance to base 2, from 0 (the same shares) to 1 (no bin in common).

    Source: Endres & Schindelin (2003), A new metric for probability distributions.

    >>> round(jensen_shannon(np.array([50, 30, 20]), np.array([40, 30, 30])), 6)
    0.106199
    """
    p, q = _shares(reference, 0.0), _shares(now, 0.0)
    middle = (p + q) / 2
    divergence = (_entropy_terms(p, middle) + _entropy_terms(q, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def _entropy_terms(p: FloatArray, middle: FloatArray) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / middle[some])).sum())


def _shares(counts: FloatArray | IntArray, smoothing: float) -> FloatArray:
    smoothed = np.asarray(counts, dtype=np.float64) + smoothing
    shares: FloatArray = smoothed / smoothed.sum(axis=-1, keepdims=True)
    return shares
