"""The metrics by name. Looking up a name does not import numpy: a metric is loaded when it is computed.

Other packages register theirs under the entry-point group `perennial.metrics`: the name is the one used in
declarations, the object a `perennial.evaluation.metrics.metric.Metric`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.registered import Registered

if TYPE_CHECKING:
    from perennial.evaluation.arrays import IntArray
    from perennial.evaluation.metrics.group_ratio import Rate
    from perennial.evaluation.metrics.metric import Metric

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

REGISTERED = Registered(
    "metrics", "perennial.metrics", {name: f"perennial.evaluation.metrics.{name}:METRIC" for name in METRIC_TASKS}
)

NEGATIVE_FLIPS = "negative_flips"
"""The guard on rows that were right and would become wrong. It compares two models, so it is not a metric of one."""

RATES: tuple[Rate, ...] = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate")
"""Rates whose ratio between the groups of a column is a metric: `selection_rate_ratio:sex`, with fairlearn's names."""

GROUP_RATIOS = tuple(f"{rate}_ratio" for rate in RATES)

WITH_A_CUT = ("accuracy", "f1", "precision", "precision_at_top", "recall", *GROUP_RATIOS)
"""Metrics that take a number after an `@`, the cut or the top share: `recall@0.3`. Plain `recall` has a cut of 0.5."""

SHOWN_ONLY = {
    "ece": "it is biased by up to 0.9 of its own spread even on 30,000 rows; "
    "calibration_slope_error and mean_calibration_error can decide",
}
"""Metrics that can be shown but must never decide, and why."""


class UnknownMetric(InputError):
    """There is no metric with that name, neither built in nor in an installed package."""

    code = "metric-unknown"


def tasks_of(name: str) -> tuple[str, ...]:
    """The tasks that a metric supports. Loads a metric that is not built in; raises UnknownMetric."""
    base = base_of(name)
    if base in GROUP_RATIOS:
        return ("binary",)
    return METRIC_TASKS[base] if base in METRIC_TASKS else load_metric(name).tasks


def takes_weights(name: str) -> bool:
    """Whether rows can be weighted by a metric; every built-in one takes weights. Raises UnknownMetric."""
    base = base_of(name)
    return base in GROUP_RATIOS or base in METRIC_TASKS or load_metric(name).takes_weights


def base_of(name: str) -> str:
    """A metric's name without its column and number.

    >>> base_of("selection_rate_ratio:sex@0.3"), base_of("recall@0.3"), base_of("brier")
    ('selection_rate_ratio', 'recall', 'brier')
    """
    base = name.partition("@")[0]
    ratio = base.partition(":")[0]
    return ratio if ratio in GROUP_RATIOS else base


def grouped_by(name: str) -> str | None:
    """The column whose groups a metric compares; None for every other metric.

    >>> grouped_by("selection_rate_ratio:sex@0.3"), grouped_by("recall@0.3")
    ('sex', None)
    """
    base = name.partition("@")[0]
    return base.partition(":")[2] if base_of(name) in GROUP_RATIOS else None


def wrong_cut(name: str) -> str | None:
    """What is wrong with the part after a metric's `@`, and how to fix it; None if nothing is.

    >>> wrong_cut("recall@0.3"), wrong_cut("recall")
    (None, None)
    >>> wrong_cut("recall@2")
    "'@2' is not between 0 and 1; write for example recall@0.3"
    """
    _, at, number = name.partition("@")
    base = base_of(name)
    if base in GROUP_RATIOS and not grouped_by(name):
        return f"'{base}' compares the groups of a column; write for example {base}:sex"
    if not at or base not in (*METRIC_TASKS, *GROUP_RATIOS):
        return None
    if base not in WITH_A_CUT:
        return f"'{base}' does not take a number; write {base}. Only {', '.join(WITH_A_CUT)} take one"
    if _share(number) is None:
        return f"'@{number}' is not between 0 and 1; write for example {base}@0.3"
    return None


def load_metric(name: str) -> Metric:
    """The metric with that name, built in or from an installed package. Raises UnknownMetric with a suggestion."""
    base, _, number = name.partition("@")
    if base not in METRIC_TASKS:
        return _from_another_package(name)
    if mistake := wrong_cut(name):
        raise UnknownMetric(f"metric '{name}': {mistake}")
    module = import_module(f"perennial.evaluation.metrics.{base}")
    metric: Metric = module.at(_share(number)) if number else module.METRIC
    return metric


def load_group_ratio(name: str, groups: Sequence[str], codes: IntArray) -> Metric:
    """The ratio with that name between groups. codes: shape (n,), each row's position among them; −1 for none."""
    from perennial.evaluation.metrics.decided import CUT
    from perennial.evaluation.metrics.group_ratio import among

    number = name.partition("@")[2]
    rate = RATES[GROUP_RATIOS.index(base_of(name))]
    return replace(among(codes, groups, rate=rate, cut=_share(number) or CUT), name=name)


def _share(number: str) -> float | None:
    try:
        share = float(number)
    except ValueError:
        return None
    return share if 0 < share < 1 else None


def _from_another_package(name: str) -> Metric:
    from perennial.evaluation.metrics.metric import Metric

    if not REGISTERED.has(name):
        raise UnknownMetric(f"unknown metric '{name}'\n  {REGISTERED.hint(name)}")
    metric = REGISTERED.load(name)
    if not isinstance(metric, Metric) or metric.name != name:
        raise UnknownMetric(
            f"metric '{name}': the entry point {REGISTERED.place(name)} is not a Metric with that name\n"
            f"  make it a perennial.evaluation.metrics.metric.Metric with name='{name}'"
        )
    return metric
