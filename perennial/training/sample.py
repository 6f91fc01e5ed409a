"""A declared sample of rows: each has a priority from its key, and the rows with the smallest priorities are chosen.

A row's priority depends on nothing but its key, its time and the seed, so the same rows are chosen in any file layout
and in any order, and a row that was chosen once stays chosen until rows with smaller priorities arrive.
Source: Efraimidis & Spirakis (2006), Weighted random sampling with a reservoir, Information Processing Letters 97(5):
the rows with the largest u^(1/w) are a weighted sample without replacement. By log2(-ln u) - log2 w they are the
smallest. A weight that halves with every half-life is w = 2^(time / half-life), from whatever time on ages are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.store.key_hash import key_hashes
from perennial.usecase.declared_model import Model, Sample
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

_MICROSECOND = timedelta(microseconds=1)


def priorities(rows: pa.Table, schema: Schema, model: Model) -> FloatArray:
    """Each row's priority, shape (n,). rows: with key and time. model: with a sample."""
    import pyarrow as pa

    assert model.sample is not None, "no sample is declared"
    bits = key_hashes(rows, schema.key, model.seed)
    uniform: FloatArray = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    if model.sample.half_life is None:
        return uniform
    at = rows[schema.time].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    halvings: FloatArray = at / (model.sample.half_life // _MICROSECOND)
    return np.log2(-np.log(uniform)) - halvings


def smallest(parts: Iterable[FloatArray], sample: Sample) -> tuple[int, float | None]:
    """How many priorities there are, and the largest of those that are chosen; None if all are.

    About three times as many as are chosen are in memory, and each is moved a few times, however small the parts are.
    """
    count, held = 0, 0
    smallest_so_far: list[FloatArray] = []
    for part in parts:
        smallest_so_far.append(part)
        count, held = count + part.size, held + part.size
        if held > 2 * sample.rows:
            smallest_so_far, held = [_first(smallest_so_far, sample.rows)], sample.rows
    return count, float(_first(smallest_so_far, sample.rows)[-1]) if count > sample.rows else None


def _first(parts: list[FloatArray], number: int) -> FloatArray:
    """The smallest values of all parts, the largest of them last."""
    return np.partition(np.concatenate(parts), number - 1)[:number]


def are_chosen(of_rows: FloatArray, bound: float, sample: Sample) -> np.ndarray:
    """Which rows are chosen, shape (n,), exactly as many as declared: of equal priorities, the first in key order."""
    below, at_bound = of_rows < bound, of_rows == bound
    return below | (at_bound & (np.cumsum(at_bound) <= sample.rows - below.sum()))
