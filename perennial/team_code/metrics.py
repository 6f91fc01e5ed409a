"""Resolves a metric's name in a declaration: a built-in metric, a custom function, or a ratio between groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.evaluation.metrics import GROUP_RATIOS, base_of, grouped_by, load_group_ratio, load_metric
from perennial.evaluation.metrics.black_box import black_box
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.value import worth
from perennial.team_code.loading import call, load_function
from perennial.usecase.declaration import Declaration, UseCase

if TYPE_CHECKING:
    import pandas as pd


def metric_sources(case: UseCase) -> dict[str, str]:
    """File name → source text of the custom metrics."""
    return case.code.of(own.function for own in case.declaration.evaluation.metrics.values())


def declared_metric(
    declaration: Declaration,
    sources: Mapping[str, str],
    name: str,
    *,
    rows: pd.DataFrame | None = None,
    codes: np.ndarray | None = None,
) -> Metric:
    """The metric with that name.

    sources: of `metric_sources`. rows: the evaluation rows, needed by a ratio between groups.
    codes: shape (n,), their clusters, without which a metric that is one number for all rows has no influence.
    Raises UnknownMetric, TeamCodeFailed; LookupError for a ratio without rows.
    """
    own = declaration.evaluation.metrics.get(name)
    if own is not None:
        function, task = _guarded(name, own.function, sources), declaration.schema_.task
        if own.per == "row":
            return worth(function, (task,), name=name, direction=own.direction)
        weighted = declaration.schema_.weight is not None
        return black_box(name, function, (task,), own.direction, codes, weighted=weighted)
    if base_of(name) in GROUP_RATIOS:
        column = grouped_by(name)
        if rows is None:
            raise LookupError(f"metric '{name}' needs rows with the column {column!r}")
        return load_group_ratio(name, *groups_of(rows, str(column)))
    return load_metric(name)


def _guarded(name: str, spec: str, sources: Mapping[str, str]) -> Callable[..., Any]:
    """The function, called with copies so that it cannot change its inputs, and with errors that name file and line."""
    function = load_function(spec, sources, f"evaluation.metrics.{name}")

    def metric(labels: np.ndarray, *others: np.ndarray) -> Any:
        """others: the predictions; for a weighted metric of all rows, their weights too."""
        return call(f"metric '{name}' on {labels.size:,} rows", function, *(each.copy() for each in (labels, *others)))

    return metric


def groups_of(rows: pd.DataFrame, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The sorted values of a column as text, and each row's position among them, shape (n,); −1 if it has none."""
    import pandas as pd

    codes, values = pd.factorize(rows[column], sort=True)
    return tuple(str(value) for value in values), codes.astype(np.int64)
