"""The loss of one row, so that days and slices can be compared: the metric's if it is a mean over rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.brier import METRIC as BRIER
from perennial.evaluation.metrics.log_loss import METRIC as LOG_LOSS
from perennial.evaluation.metrics.mae import METRIC as MAE
from perennial.evaluation.metrics.metric import Metric
from perennial.ledger.entries import Reference
from perennial.watching.shadow import Aim


@dataclass(frozen=True)
class RowLoss:
    """name: of the loss. aim: what a shadow's trees reduce. reference: the champion's mean, None if not known yet."""

    name: str
    aim: Aim
    of: Callable[[FloatArray, FloatArray], FloatArray]
    reference: float | None


def row_loss(task: str, reference: Reference) -> RowLoss:
    """The row loss of the reference's metric; for a metric that is no mean over rows, such as ROC AUC, the task's own.

    >>> row_loss("binary", Reference(metric="roc_auc", value=0.8, se=0.1, df=20, rows=9, clusters=9)).name
    'log_loss'
    """
    name, value = reference.metric, reference.value if reference.value > 0 else None
    if task == "regression":
        if name in ("rmse", "r2"):
            return RowLoss("squared error", "squared", _squared, value**2 if value and name == "rmse" else None)
        return RowLoss("mae", "absolute", _rows_of(MAE), value if name == "mae" else None)
    metric = BRIER if name == "brier" else LOG_LOSS
    return RowLoss(metric.name, "probability", _rows_of(metric), value if name == metric.name else None)


def _rows_of(metric: Metric) -> Callable[[FloatArray, FloatArray], FloatArray]:
    def losses(y: FloatArray, p: FloatArray) -> FloatArray:
        if not len(y):
            return np.empty(0)
        mean, influence = metric.value_and_influence(y, p)
        return mean + influence

    return losses


def _squared(y: FloatArray, p: FloatArray) -> FloatArray:
    return (y - p) ** 2
