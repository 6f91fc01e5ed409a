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
    "brier": ("binary",),
    "log_loss": ("binary", "multiclass"),
    "mae": ("regression",),
    "rmse": ("regression",),
    "roc_auc": ("binary",),
}


class UnknownMetric(InputError):
    """No metric of that name is here or in an installed package."""


def known_metrics(task: str) -> list[str]:
    """The names of our own metrics for a task, in alphabetical order.

    >>> known_metrics("regression")
    ['mae', 'rmse']
    """
    return sorted(name for name, tasks in METRIC_TASKS.items() if task in tasks)


def tasks_of(name: str) -> tuple[str, ...]:
    """The tasks a metric is made for. Loads a metric that is not ours; raises UnknownMetric."""
    return METRIC_TASKS[name] if name in METRIC_TASKS else load_metric(name).tasks


def load_metric(name: str) -> Metric:
    """The metric of that name, ours or an installed package's. Raises UnknownMetric with what may be meant."""
    if name in METRIC_TASKS:
        found: Metric = import_module(f"perennial.evaluation.metrics.{name}").METRIC
        return found
    return _from_another_package(name)


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
