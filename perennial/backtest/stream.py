"""What a life is lived on: rows in the order in which their labels became known, and what each model predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.intervals.ewc import MIN_CLUSTERS
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.race import best_so_far

FEWEST_OF_A_CLASS = 20
"""Rows of each class that the newest days must have, so that a challenger can be evaluated on them at once."""


class Model(NamedTuple):
    """A model, by what it was trained on: a window of the rows known at a moment, or of those before its newest days.

    window: a name. moment: the last one whose labels were known. without_newest: whether the newest days are left out.
    """

    window: str
    moment: int
    without_newest: bool = False


class Predicted(NamedTuple):
    """What a model predicts for every row, shape (n,) or (n, K), and the constant from its training labels.

    The predictions for rows that it was trained on are not looked at.
    """

    rows: FloatArray
    naive: float | FloatArray


RACE = "race"
"""Instead of a window's name: the window with the best one-step losses so far."""

Mixture = tuple[tuple[Model, float], ...]
"""Models with their weights, which add up to 1, the one trained last first; empty while no model is live."""


class Newest(NamedTuple):
    """places: of the rows that evaluate a challenger at once, none if there are too few. wait: some are used already.

    Then no challenger is trained until they are new: a later one has learned from more, and is decided no later.
    """

    places: IntArray
    wait: bool


@dataclass(frozen=True)
class Stream:
    """Rows of n labels and the models of every moment, each with its predictions for the rows that came after it.

    metrics: the primary first, then the guards. labels: shape (n,). moment: shape (n,), at which of the moments, from
    0, a row's label became known. cluster: shape (n,), for example its day, as a number in order of time.
    days: shape (m,), of each moment since the first row. models: what each one predicts; may be fitted on demand.
    windows: names of the windows that race, the first one before any race. newest: in days by event, for each moment
    the first cluster of those that a challenger evaluated at once leaves out.
    """

    metrics: tuple[Asked, ...]
    labels: FloatArray
    moment: IntArray
    cluster: IntArray
    days: FloatArray
    models: Mapping[Model, Predicted]
    windows: tuple[str, ...]
    newest: IntArray
    classes: Sequence[float] = (0.0, 1.0)
    cluster_by: str = "day"
    _losses: dict[tuple[Mixture, int], float] = field(default_factory=dict, compare=False, repr=False)
    _races: dict[tuple[int, bool], str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def moments(self) -> int:
        """How many there are, m."""
        return len(self.days)

    def metric(self, asked: Asked) -> Metric:
        """The metric itself."""
        return asked.metric or load_metric(asked.name)

    @property
    def lower_is_better(self) -> bool:
        """Of the primary metric."""
        return self.metric(self.metrics[0]).direction == "lower"

    def between(self, after: int, until: int) -> IntArray:
        """Places of the rows whose label became known after a moment and by another one."""
        return np.flatnonzero((self.moment > after) & (self.moment <= until))

    def newest_rows(self, moment: int, used: int) -> Newest:
        """The rows of the newest days at a moment, and whether they can evaluate a challenger at once.

        used: the last moment whose rows an earlier decision has used, -1 for none.
        """
        seen = self.moment <= moment
        places = np.flatnonzero(seen & (self.cluster >= self.newest[moment]))
        few = np.unique(self.cluster[places]).size < MIN_CLUSTERS or any(
            (self.labels[places] == each).sum() < FEWEST_OF_A_CLASS for each in self.classes
        )
        if few or not (seen & (self.cluster < self.newest[moment])).any():
            return Newest(places[:0], wait=False)
        return Newest(places, wait=bool(self.moment[places].min() <= used))

    def predicted(self, mixture: Mixture, places: IntArray) -> FloatArray:
        """What a mixture predicts for some rows, shape (k,) or (k, K)."""
        (first, weight), *others = mixture
        found = self.models[first].rows[places]
        if not others:
            return found
        return sum((w * self.models[model].rows[places] for model, w in others), weight * found)

    def constant(self, mixture: Mixture, rows: int) -> FloatArray:
        """The naive prediction from the training labels of the models, shape (rows,) or (rows, K)."""
        value = sum(weight * np.asarray(self.models[model].naive) for model, weight in mixture)
        return np.tile(value, (rows, 1) if np.ndim(value) else rows)

    def value(self, predicted: FloatArray, places: IntArray) -> float:
        """The primary metric on some rows. Raises Undefined."""
        return self.metric(self.metrics[0]).value_and_influence(self.labels[places], predicted)[0]

    def loss(self, mixture: Mixture, moment: int) -> float:
        """The primary metric on the rows of one moment. Raises Undefined."""
        if (mixture, moment) not in self._losses:
            places = self.between(moment - 1, moment)
            self._losses[mixture, moment] = self.value(self.predicted(mixture, places), places)
        return self._losses[mixture, moment]

    def best_window(self, choice: str, moment: int, *, without_newest: bool = False) -> str:
        """The window to train on at a moment: the chosen one, or the winner of the race so far.

        without_newest: only moments before the first row of the newest days count in the race.
        """
        if choice != RACE:
            return choice
        key = (moment, without_newest)
        if key not in self._races:
            before = int(self.newest[moment]) if without_newest else None
            steps = [
                self._step(each) for each in range(1, moment + 1) if before is None or self._is_before(each, before)
            ]
            self._races[key] = best_so_far(steps, lower_is_better=self.lower_is_better) or self.windows[0]
        return self._races[key]

    def _is_before(self, moment: int, cluster: int) -> bool:
        """Whether no row up to a moment is of a cluster or a later one."""
        return bool((self.cluster[self.moment <= moment] < cluster).all())

    def _step(self, moment: int) -> dict[str, float]:
        """How each window's model of the moment before predicted this one's rows."""
        return {name: self.loss(((Model(name, moment - 1), 1.0),), moment) for name in self.windows}
