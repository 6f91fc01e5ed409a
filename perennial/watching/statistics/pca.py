"""Features that change together: how well a row is described by the main directions of the reference.

Source: NannyML's data reconstruction (https://nannyml.readthedocs.io): categories as their frequencies, everything
standardised, as many principal components as explain 65 % of the variance, and the mean distance of a row to its
reconstruction. Unlike there, the usual errors are of rows that were not fitted, and their range is from resampled days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.watching.statistics.day_blocks import BLOCK_DAYS, chance_of_reference

if TYPE_CHECKING:
    import pandas as pd

EXPLAINED = 0.65
QUANTILE = 0.995
FOLDS = 5


@dataclass(frozen=True)
class Directions:
    """What a reference looks like.

    names: F features. frequencies: of a category, value → rows. means, scales: F. components: K of F numbers.
    day_errors, day_rows: of each day of the reference, the summed error and the rows. folds: the directions of all
    parts of the reference but one, each of which gave the errors of the days of that part.
    """

    names: tuple[str, ...]
    frequencies: Mapping[str, Mapping[str, int]]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    components: tuple[tuple[float, ...], ...]
    day_errors: tuple[float, ...] = ()
    day_rows: tuple[int, ...] = ()
    folds: tuple[Directions, ...] = ()


def read_directions(stored: Mapping[str, Any]) -> Directions:
    """From JSON values; those of earlier versions have no folds. Raises TypeError for others."""
    return Directions(**{**stored, "folds": tuple(Directions(**each) for each in stored.get("folds", ()))})


def fitted_directions(inputs: pd.DataFrame, days: IntArray) -> Directions:
    """The directions of reference rows. days: shape (n,), the day of each, 0..D−1. Empty features are left out.

    The usual errors of a day come from the directions of the other `FOLDS` − 1 parts of the reference: those of the
    rows that were fitted are too small, and every later batch would be above them. These directions are kept: those of
    all rows may describe other features, so that their errors are not comparable with them.
    """
    known = int(days.max()) + 1
    parts = days * FOLDS // known
    errors, folds = np.empty(len(inputs)), []
    for part in np.unique(parts):
        rest = inputs[parts != part] if (parts != part).any() else inputs
        folds.append(_directions(rest))
        errors[parts == part] = reconstruction_errors(folds[-1], inputs[parts == part])
    return replace(
        _directions(inputs),
        folds=tuple(folds),
        day_errors=tuple(map(float, np.bincount(days, weights=errors))),
        day_rows=tuple(map(int, np.bincount(days))),
    )


def _directions(inputs: pd.DataFrame) -> Directions:
    from perennial.model.predicting import text_columns

    text = set(text_columns(inputs))
    names = tuple(name for name in inputs.columns if inputs[name].notna().any())
    frequencies = {
        name: {str(value): int(rows) for value, rows in inputs[name].value_counts().items()}
        for name in names
        if name in text
    }
    raw = _numbers(inputs, names, frequencies)
    means = np.nanmean(raw, axis=0)
    scales = np.nanstd(raw, axis=0)
    scales[scales == 0] = 1.0
    filled = np.where(np.isnan(raw), 0.0, (raw - means) / scales)
    _, singular, components = np.linalg.svd(filled - filled.mean(axis=0), full_matrices=False)
    shares = np.cumsum(singular**2) / max(float((singular**2).sum()), 1e-300)
    kept = components[: int(np.searchsorted(shares, EXPLAINED)) + 1]
    return Directions(
        names,
        frequencies,
        tuple(map(float, means)),
        tuple(map(float, scales)),
        tuple(tuple(map(float, each)) for each in kept),
    )


def reconstruction_errors(reference: Directions, inputs: pd.DataFrame) -> FloatArray:
    """The distance of each row to its reconstruction, shape (n,), in standard deviations."""
    raw = _numbers(inputs, reference.names, reference.frequencies)
    scaled = (raw - np.array(reference.means)) / np.array(reference.scales)
    filled = np.where(np.isnan(scaled), 0.0, scaled)
    components = np.array(reference.components)
    apart: FloatArray = np.linalg.norm(filled - filled @ components.T @ components, axis=1)
    return apart


def mean_error(reference: Directions, inputs: pd.DataFrame) -> float:
    """The mean error of rows that were not fitted: by the directions that gave the usual errors, on average."""
    return float(np.mean([reconstruction_errors(each, inputs).mean() for each in reference.folds or (reference,)]))


def usual_errors(reference: Directions, weights: FloatArray) -> tuple[float, float]:
    """The lowest and highest mean error of periods like the reference: at `QUANTILE` of Student's t on either side.

    weights: shape (R, D), how often each day of the reference is drawn in each period. The resamples give the standard
    error of a period's mean, and the degrees of freedom are those of the reference's blocks. The resamples' own
    quantiles are too close: a week drawn from 56 days is one of 56 overlapping weeks, so its 99 % range is about the
    range of eight numbers, and 4 % of ordinary weeks were outside (`benchmarks/README.md`).
    """
    from scipy import special

    means = (weights @ np.array(reference.day_errors)) / (weights @ np.array(reference.day_rows))
    middle = sum(reference.day_errors) / sum(reference.day_rows)
    blocks, days = weights.shape[1] / BLOCK_DAYS, int(weights[0].sum())
    variance = (
        float(np.mean((means - middle) ** 2)) * blocks / (blocks - 1) * chance_of_reference(weights.shape[1], days)
    )
    half = float(special.stdtrit(blocks - 1, QUANTILE)) * variance**0.5
    return middle - half, middle + half


def _numbers(inputs: pd.DataFrame, names: Sequence[str], frequencies: Mapping[str, Mapping[str, int]]) -> FloatArray:
    """Features as numbers, shape (n, F); a category as the rows that its value had in the reference, 0 if it is new."""
    columns = []
    for name in names:
        values = inputs[name]
        if name in frequencies:
            known = values.map(lambda value, rows=frequencies[name]: rows.get(str(value), 0), na_action="ignore")
            columns.append(known.to_numpy(dtype=np.float64, na_value=np.nan))
        else:
            columns.append(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.stack(columns, axis=1) if columns else np.empty((len(inputs), 0))
