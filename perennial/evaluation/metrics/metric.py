"""What every metric provides: its value, and each row's contribution to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from perennial.evaluation.arrays import FloatArray, IntArray


class Undefined(ValueError):
    """The metric has no value on these rows, for example ROC AUC on rows of one class. Carries the reason."""


def always_measurable(y: FloatArray, p: FloatArray) -> str | None:
    """No minimum number of rows: the number of clusters is the only limit."""
    return None


@dataclass(frozen=True)
class Metric:
    """A metric as a sum over rows, so that one test works for all metrics.

    name: as used in declarations.
    tasks: those it supports; without `regression`, y is 0 or 1 and p a probability of 1, shape (n,), or for
        `multiclass` y is the position of a class and p the probability of each, shape (n, K).
    direction: whether `lower` or `higher` values are better.
    value_and_influence: (y, p), shapes (n,), n > 0, to the value and each row's influence, shape (n,),
        both in the metric's unit. The influence is n times the value's derivative with respect to the
        row's weight, so it sums to 0. Raises Undefined if the metric has no value on the rows.
        A third parameter takes the rows' weights, shape (n,), positive, or None; the influence is then n times
        the row's weight times that derivative. Without the parameter, the metric cannot be weighted.
    undecidable: (y, champion, challenger), shapes (n,), to the reason why the two cannot be distinguished
        on these rows, or None.
    unmeasurable: (y, p), shapes (n,), to the reason why one model's value has no trustworthy
        interval on these rows, or None.
    convex: whether a mixture of two models loses at most the mean of both.
    of_some: places, shape (m,), to the metric of these rows alone; None for a metric that holds nothing about rows.
    """

    name: str
    tasks: tuple[str, ...]
    direction: Literal["lower", "higher"]
    value_and_influence: Callable[..., tuple[float, FloatArray]]
    undecidable: Callable[[FloatArray, FloatArray, FloatArray], str | None]
    unmeasurable: Callable[[FloatArray, FloatArray], str | None] = always_measurable
    convex: bool = False
    of_some: Callable[[IntArray], Metric] | None = None

    def on(self, places: IntArray) -> Metric:
        """The metric of some of the rows that it was made for, shape (m,)."""
        return self if self.of_some is None else replace(self.of_some(places), name=self.name)

    def measured(self, y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        """`value_and_influence`, of weighted rows if there are weights. Raises Undefined."""
        return self.value_and_influence(y, p) if weights is None else self.value_and_influence(y, p, weights)

    @property
    def takes_weights(self) -> bool:
        """Whether rows can be weighted: see `value_and_influence`."""
        try:
            inspect.signature(self.value_and_influence).bind(None, None, None)
        except TypeError:
            return False
        return True
