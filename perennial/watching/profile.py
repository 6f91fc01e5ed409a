"""A champion's profile: what its training rows and its evaluation looked like, to compare later batches with.

Computed once per champion. The training rows come from the stored counts of their batches, so that none is read again;
only the rows it was evaluated on are read and scored once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import Clusters
from perennial.ledger.entries import Reference
from perennial.watching.channels.measured import reference_of
from perennial.watching.statistics.calibrator import Calibrator, fitted_calibrator
from perennial.watching.statistics.counting import RowDays, count_numbers
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.frames import losses_in_bins
from perennial.watching.statistics.grid import Grid, NumberGrid, number_grid
from perennial.watching.statistics.terms import BinLoss
from perennial.watching.statistics.written import read_grid, written_grid

if TYPE_CHECKING:
    import pandas as pd

TRAINED_DAYS = 400
"""The reference is the newest training rows of this many days: each season once, and a cost that does not grow."""
MOST_CLASSES = 10


@dataclass(frozen=True, eq=False)
class Scores:
    """One number that the champion gave to each evaluation row, such as the probability of a class."""

    grid: NumberGrid
    counts: Counts


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What is kept of a champion's evaluation.

    losses: of each feature, rows and loss in its fine bins; empty if the metric has no value per row.
    scores: by name, see `score_columns`. calibrators: of each class, None for numbers or too few rows.
    worths: of the custom metrics with one number per row.
    """

    rows: int
    days: int
    losses: Mapping[str, BinLoss]
    scores: Mapping[str, Scores]
    calibrators: tuple[Calibrator, ...] | None
    worths: Mapping[str, Reference]


def score_columns(predictions: FloatArray, classes: tuple[str | int, ...]) -> dict[str, FloatArray]:
    """Predictions as named numbers, each of shape (n,): of one kind, or the probability of each class."""
    if predictions.ndim == 1:
        return {"prediction": np.asarray(predictions, dtype=np.float64)}
    return {f"probability of {name}": predictions[:, place] for place, name in enumerate(classes[:MOST_CLASSES])}


def loss_of_rows(metric: Metric, y: FloatArray, predictions: FloatArray) -> FloatArray | None:
    """Each row's contribution to the metric, shape (n,), whose mean is its value; a larger one is worse.

    For a metric that is no mean over rows, such as ROC AUC, it is the linear part. None if the metric has no value.
    """
    if not y.size:
        return None
    try:
        value, influence = metric.value_and_influence(y, predictions)
    except Undefined:
        return None
    return (value + influence) * (1 if metric.direction == "lower" else -1)


def evaluated(
    inputs: Iterable[pd.DataFrame],
    days: RowDays,
    y: FloatArray,
    predictions: FloatArray,
    metric: Metric,
    grids: Mapping[str, Grid],
    classes: tuple[str | int, ...],
    *,
    numbers: bool,
    clusters: Clusters,
    worths: Mapping[str, Metric],
) -> Evaluated:
    """The profile of the evaluation rows.

    inputs: their features, part by part. y, predictions: of the same rows, shape (n,) or (n, K). numbers: for a
    regression.
    clusters: of the same rows. worths: the custom metrics with one number per row.
    """
    loss = loss_of_rows(metric, y, predictions)
    losses = {} if loss is None else losses_in_bins(inputs, loss, grids)
    scores = {}
    for name, column in score_columns(predictions, classes).items():
        grid = number_grid(column)
        scores[name] = Scores(grid, count_numbers(column, days, grid))
    calibrators = None if numbers else _calibrators(y, predictions)
    references = {name: reference_of(each, y, predictions, clusters) for name, each in worths.items()}
    known = {name: each for name, each in references.items() if each is not None}
    return Evaluated(y.size, days.days.size, losses, scores, calibrators, known)


def _calibrators(y: FloatArray, predictions: FloatArray) -> tuple[Calibrator, ...] | None:
    if predictions.ndim == 1:
        pairs = [(y, predictions)]
    else:
        pairs = [((y == place).astype(np.float64), predictions[:, place]) for place in range(predictions.shape[1])]
    fitted = [fitted_calibrator(*pair) for pair in pairs]
    known = tuple(each for each in fitted if each is not None)
    return known if len(known) == len(fitted) else None


def written_evaluated(kept: Evaluated) -> dict[str, Any]:
    """As JSON values."""
    return {
        "rows": kept.rows,
        "days": kept.days,
        "losses": {
            name: {"rows": each.rows.tolist(), "loss": each.loss.tolist()} for name, each in kept.losses.items()
        },
        "scores": {
            name: {
                "grid": written_grid(each.grid),
                "days": each.counts.days.tolist(),
                "counts": each.counts.counts.tolist(),
            }
            for name, each in kept.scores.items()
        },
        "calibrators": None
        if kept.calibrators is None
        else [{"scores": each.scores, "frequencies": each.frequencies} for each in kept.calibrators],
        "worths": {name: each.model_dump(mode="json") for name, each in kept.worths.items()},
    }


def read_evaluated(stored: Mapping[str, Any]) -> Evaluated:
    """From JSON values. Raises KeyError for others."""
    losses = {
        name: BinLoss(_whole(each["rows"]), np.array(each["loss"], dtype=np.float64))
        for name, each in stored["losses"].items()
    }
    scores = {}
    for name, each in stored["scores"].items():
        grid = read_grid(each["grid"])
        assert isinstance(grid, NumberGrid)
        counts = _whole(each["counts"]).reshape(-1, grid.bins + 1)
        scores[name] = Scores(grid, Counts(_whole(each["days"]), counts))
    calibrators = stored["calibrators"]
    maps = None
    if calibrators is not None:
        maps = tuple(Calibrator(tuple(each["scores"]), tuple(each["frequencies"])) for each in calibrators)
    worths = {name: Reference.model_validate(each) for name, each in stored["worths"].items()}
    return Evaluated(stored["rows"], stored["days"], losses, scores, maps, worths)


def _whole(values: Any) -> IntArray:
    return np.array(values, dtype=np.int64)
