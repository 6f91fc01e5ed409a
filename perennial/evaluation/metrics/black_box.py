"""A metric given as any function of labels and predictions, with its influence by a jackknife over clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from perennial.errors import PerennialError, TerminalError
from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.fixed_point import sums_by
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.weights import relative, weighed

MIN_ROWS = 200

Function = Callable[..., float]


class MetricFailed(TerminalError):
    """A custom metric did not return one finite number."""

    code = "metric-failed"


def black_box(
    name: str,
    function: Function,
    tasks: tuple[str, ...],
    direction: Literal["lower", "higher"],
    codes: IntArray | None = None,
    *,
    weighted: bool = False,
) -> Metric:
    """The metric θ = function(y, p), in the function's own unit, for a function about which nothing is known.

    codes: shape (n,), each row's cluster, 0..T−1; without them only the value is known, and the influence is 0.
    weighted: whether it is a function(y, p, weights), which gets ones if all rows weigh the same.
    A cluster's influence is (n − n_d)·(θ − θ without d), centred, and shared equally by its rows; for a mean it is the
    sum of v − v̄. With weights, n_d is n times the cluster's share of them, and a row's part is its own share.
    The function is called T + 1 times per model. It should be smooth: for a median or a maximum the jackknife is wrong.
    Raises MetricFailed if the function fails or does not return a finite number.
    Source: delete-a-cluster jackknife, Efron & Stein (1981), as in MacKinnon, Nielsen & Webb (2023).

    >>> days = np.array([0, 0, 1, 1])
    >>> metric = black_box("mean", lambda y, p: float((y - p).mean()), ("regression",), "lower", days)
    >>> value, influence = metric.value_and_influence(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4))
    >>> value, influence.tolist()
    (2.5, [-1.0, -1.0, 1.0, 1.0])
    """

    def once(y: FloatArray, p: FloatArray, weights: FloatArray) -> float:
        try:
            value = float(function(y, p, weights) if weighted else function(y, p))
        except PerennialError:
            raise
        except Exception as error:
            raise MetricFailed(f"metric '{name}' failed on {y.size:,} rows: {error!r}") from error
        if not np.isfinite(value):
            raise MetricFailed(f"metric '{name}' returned {value} on {y.size:,} rows; it must return a finite number")
        return value

    def jackknife(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        shares = relative(weights)
        of_rows = np.ones(y.size) if shares is None else shares
        whole = once(y, p, of_rows)
        if codes is None or np.unique(codes).size < 2:
            return whole, np.zeros(y.size)
        sizes = np.bincount(codes) if shares is None else sums_by(shares, codes, int(codes.max()) + 1)
        left = [codes != cluster for cluster in range(sizes.size)]
        sums = np.array(
            [
                (y.size - size) * (whole - once(y[rows], p[rows], of_rows[rows]))
                for size, rows in zip(sizes, left, strict=True)
            ]
        )
        sums -= sums.sum() * sizes / y.size
        return whole, weighed((sums / sizes)[codes], shares)

    def value_and_influence(y: FloatArray, p: FloatArray) -> tuple[float, FloatArray]:
        return jackknife(y, p)

    def too_few_rows(y: FloatArray, p: FloatArray) -> str | None:
        return None if y.size >= MIN_ROWS else f"{y.size:,} rows; {MIN_ROWS} are needed"

    def of_some(places: IntArray) -> Metric:
        inside = None if codes is None else np.unique(codes[places], return_inverse=True)[1]
        return black_box(name, function, tasks, direction, inside, weighted=weighted)

    of_rows = jackknife if weighted else value_and_influence
    return Metric(name, tasks, direction, of_rows, lambda y, a, b: too_few_rows(y, b), too_few_rows, of_some=of_some)
