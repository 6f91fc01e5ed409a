"""Exact sums: identical to the last bit for any order, partition, number of threads or engine.

Adding floats in a different order changes the last bit, so a decision replayed on another machine would differ.
Values are therefore first converted to integers: d becomes ⌊d·2ˢ⌋ with s = 62 − e, where 2ᵉ is the smallest power of
two above the largest |d|. These integers have 62 bits and add up exactly (in SQL as HUGEINT); only the total becomes a
float again. s depends on the values alone, not on their order: a log loss of 36 has s = 56, money in the millions
s = 42. A value is truncated only if it is under 1/512 of the largest, and then by less than 2⁻⁶² of that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from perennial.evaluation.arrays import FloatArray, IntArray

BITS = 62
_HALF = 31
_PART = 21
_MASK = (1 << _PART) - 1
_LARGEST = 1_000
"""The largest power of two that is used as a factor; 2^1024 is no float."""
_BLOCK = 1 << 20
_HALVES_ARE_EXACT = 1 << 22
"""Up to this many rows, sums of halves of 31 bits are exact in floats."""


def scale_of(values: FloatArray) -> int:
    """s = 62 − e for finite values, shape (n,). For values in several parts, the smallest s of the parts.

    >>> scale_of(np.array([0.25, -0.5])), scale_of(np.array([36.0])), scale_of(np.array([0.0]))
    (62, 56, 1135)
    """
    largest = max(float(values.max()), -float(values.min())) if values.size else 0.0
    return BITS - (math.frexp(largest)[1] if largest else math.frexp(5e-324)[1])


def whole(values: FloatArray, scale: int) -> IntArray:
    """⌊d·2ˢ⌋ of each value, shape (n,).

    >>> whole(np.array([0.75, -0.75]), 1).tolist()
    [1, -2]
    """
    return np.floor(_shifted(values, scale)).astype(np.int64)


def _shifted(values: FloatArray, by: int) -> FloatArray:
    """Each value times 2^by, as `np.ldexp`: a product with a power of two is exact too, and faster."""
    shifted: FloatArray = values * math.ldexp(1.0, by) if abs(by) < _LARGEST else np.ldexp(values, by)
    return shifted


def back(total: int, scale: int) -> float:
    """The float nearest to total·2⁻ˢ.

    >>> back(3, 1)
    1.5
    """
    return math.ldexp(float(total), -scale)


def exact_sum(values: FloatArray) -> float:
    """The sum of values, shape (n,). If one is not finite, the plain float sum, which then depends on no order.

    >>> exact_sum(np.array([1e16, 1.0, -1e16])), 0.1 + 0.2 + 0.3, exact_sum(np.array([0.1, 0.2, 0.3]))
    (1.0, 0.6000000000000001, 0.6)
    """
    if not np.isfinite(values).all():
        return float(values.sum())
    scale, low, total = scale_of(values), (1 << _HALF) - 1, 0
    for block in _blocks(values.size):
        numbers = whole(values[block], scale)
        total += (int((numbers >> _HALF).sum()) << _HALF) + int((numbers & low).sum())
    return back(total, scale)


def exact_mean(values: FloatArray) -> float:
    """The mean of values, shape (n,), n at least 1.

    >>> exact_mean(np.array([0.1, 0.2, 0.3])) == exact_mean(np.array([0.3, 0.2, 0.1]))
    True
    """
    return exact_sum(values) / values.size


def whole_sums(values: FloatArray, codes: IntArray, groups: int, scale: int) -> npt.NDArray[np.object_]:
    """The sums of ⌊d·2ˢ⌋ by group, shape (groups,), as Python integers, so that sums of parts can be added up.

    codes: shape (n,), each row's group from 0.

    >>> whole_sums(np.array([0.5, 0.25, 0.25]), np.array([0, 1, 1]), 2, 2).tolist()
    [2, 2]
    """
    totals: npt.NDArray[np.object_] = np.zeros(groups, dtype=np.int64).astype(object)
    for block in _blocks(values.size):
        numbers = whole(values[block], scale)
        # bincount adds floats: parts of 21 bits stay exact for up to 2³² rows.
        parts = (numbers >> 2 * _PART, (numbers >> _PART) & _MASK, numbers & _MASK)
        sums = [np.bincount(codes[block], part, groups).astype(np.int64).astype(object) for part in parts]
        totals += (sums[0] << 2 * _PART) + (sums[1] << _PART) + sums[2]
    return totals


def _blocks(rows: int) -> Iterator[slice]:
    """Integers add up to the same total block by block, without copies of all values."""
    return (slice(at, at + _BLOCK) for at in range(0, rows, _BLOCK))


def sums_by(values: FloatArray, codes: IntArray, groups: int) -> FloatArray:
    """The sum of values, shape (n,), in each group, shape (groups,); see `exact_sum`.

    >>> sums_by(np.array([0.5, 0.1, 0.2]), np.array([0, 1, 1]), 2).round(6).tolist()
    [0.5, 0.3]
    """
    if not np.isfinite(values).all():
        return np.bincount(codes, weights=values, minlength=groups).astype(np.float64)
    scale = scale_of(values)
    if values.size > _HALVES_ARE_EXACT:
        return np.array([back(total, scale) for total in whole_sums(values, codes, groups, scale)], dtype=np.float64)
    numbers = np.floor(_shifted(values, scale))
    high = np.floor(_shifted(numbers, -_HALF))
    low_sums = np.bincount(codes, weights=numbers - _shifted(high, _HALF), minlength=groups)
    high_sums = np.bincount(codes, weights=high, minlength=groups)
    carried = np.floor(np.ldexp(low_sums, -_HALF))
    # Both terms are exact, so only their sum is rounded.
    totals = np.ldexp(high_sums + carried, _HALF) + (low_sums - np.ldexp(carried, _HALF))
    sums: FloatArray = np.ldexp(totals, -scale)
    return sums
