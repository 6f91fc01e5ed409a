"""The metrics by name. Looking a name up imports no numpy: a metric is loaded when it is computed.

Other people's packages add theirs under the entry-point group `perennial.metrics`: the name there is
what a declaration says, the object a `perennial.evaluation.metrics.metric.Metric`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from perennial.errors import InputError

if TYPE_CHECKING:
    from perennial.evaluation.metrics.metric import Metric

ENTRY_POINTS = "perennial.metrics"

METRIC_TASKS: dict[str, tuple[str, ...]] = {
    "accuracy": ("binary", "multiclass"),
    "average_precision": ("binary",),
    "brier": ("binary",),
    "calibration_slope_error": ("binary",),
    "ece": ("binary",),
    "f1": ("binary",),
    "log_loss": ("binary", "multiclass"),
    "mae": ("regression",),
    "mean_calibration_error": ("binary",),
    "precision": ("binary",),
    "precision_at_top": ("binary",),
    "r2": ("regression",),
    "recall": ("binary",),
    "rmse": ("regression",),
    "roc_auc": ("binary",),
}

WITH_A_CUT = ("accuracy", "f1", "precision", "precision_at_top", "recall")
"""Metrics that take a number after an `@`: the cut, or the top share. `recall@0.3`; without it `recall` is at 0.5."""

SHOWN_ONLY = {
    "ece": "it is biased by up to 0.9 of its own spread even on 30,000 rows; "
    "calibration_slope_error and mean_calibration_error can decide",
}
"""Metrics that people ask to see and that must never decide, and why."""


class UnknownMetric(InputError):
    """No metric of that name is here or in an installed package."""


def known_metrics(task: str) -> list[str]:
    """The names of our own metrics for a task, in alphabetical order.

    >>> known_metrics("regression")
    ['mae', 'r2', 'rmse']
    """
    return sorted(name for name, tasks in METRIC_TASKS.items() if task in tasks)


def tasks_of(name: str) -> tuple[str, ...]:
    """The tasks a metric is made for. Loads a metric that is not ours; raises UnknownMetric."""
    base = name.partition("@")[0]
    return METRIC_TASKS[base] if base in METRIC_TASKS else load_metric(name).tasks


def wrong_cut(name: str) -> str | None:
    """What is wrong with what follows a metric's `@`, and the way out; None where nothing is.

    >>> wrong_cut("recall@0.3"), wrong_cut("recall")
    (None, None)
    >>> wrong_cut("recall@2")
    "'@2' is no share between 0 and 1; write for example recall@0.3"
    """
    base, at, number = name.partition("@")
    if not at or base not in METRIC_TASKS:
        return None
    if base not in WITH_A_CUT:
        return f"'{base}' takes no number; write {base}, and a number only after {', '.join(WITH_A_CUT)}"
    if _share(number) is None:
        return f"'@{number}' is no share between 0 and 1; write for example {base}@0.3"
    return None


def load_metric(name: str) -> Metric:
    """The metric of that name, ours or an installed package's. Raises UnknownMetric with what may be meant."""
    base, _, number = name.partition("@")
    if base not in METRIC_TASKS:
        return _from_another_package(name)
    if told := wrong_cut(name):
        raise UnknownMetric(f"metric '{name}': {told}")
    module = import_module(f"perennial.evaluation.metrics.{base}")
    found: Metric = module.at(_share(number)) if number else module.METRIC
    return found


def _share(number: str) -> float | None:
    try:
        share = float(number)
    except ValueError:
        return None
    return share if 0 < share < 1 else None


def _from_another_package(name: str) -> Metric:
    from difflib import get_close_matches
    from importlib.metadata import entry_points

    from perennial.evaluation.metrics.metric import Metric

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        found = entry.load()
        if not isinstance(found, Metric) or found.name != name:
            raise UnknownMetric(
                f"metric '{name}': the entry point {entry.value} is not a Metric of that name\n"
                f"  make it a perennial.evaluation.metrics.metric.Metric with name='{name}'"
            )
        return found
    near = get_close_matches(name, METRIC_TASKS, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise UnknownMetric(f"unknown metric '{name}'\n  {hint}Known metrics: {', '.join(sorted(METRIC_TASKS))}")
