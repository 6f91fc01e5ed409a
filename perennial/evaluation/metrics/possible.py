"""The values that a metric can have: an interval for it that reaches beyond them ends there."""

from __future__ import annotations

from perennial.evaluation.metrics import base_of

_FROM_ZERO = ("log_loss", "mae", "rmse")
_SHARES = (
    *("accuracy", "average_precision", "brier", "ece", "f1", "mean_calibration_error"),
    *("precision", "precision_at_top", "recall", "roc_auc"),
)
_LIMITS: dict[str, tuple[float | None, float | None]] = {
    **dict.fromkeys(_FROM_ZERO, (0.0, None)),
    **dict.fromkeys(_SHARES, (0.0, 1.0)),
    "r2": (None, 1.0),
}


def possible_part(metric: str, low: float, high: float) -> tuple[float, float]:
    """The part of an interval with values that the metric can have; all of it for a metric without known limits.

    An interval that is symmetric around a small loss, as Student's is, may reach below 0. What is cut off holds no
    possible value, so the coverage stays the same.

    >>> possible_part("log_loss", -0.02, 0.3), possible_part("recall@0.3", 0.9, 1.1), possible_part("own", -1.0, 1.0)
    ((0.0, 0.3), (0.9, 1.0), (-1.0, 1.0))
    """
    least, most = _LIMITS.get(base_of(metric), (None, None))
    return (low if least is None else max(low, least), high if most is None else min(high, most))
