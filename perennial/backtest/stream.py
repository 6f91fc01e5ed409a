"""What a life is lived on: rows with the moments at which they and their labels came, and what each model predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.baseline import naive_prediction
from perennial.evaluation.guards import GuardFinding, guard
from perennial.evaluation.intervals.cluster_interval import undecidable_clusters
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.metric import Undefined
from perennial.evaluation.metrics.rare_class import MIN_ROWS_OF_A_CLASS
from perennial.evaluation.paired import Paired
from perennial.evaluation.race import best_so_far
from perennial.evaluation.results import MetricResult
from perennial.training.race import FEWEST_LABELS

if TYPE_CHECKING:
    from perennial.backtest.alarms import Alarms

RACE = "race"
"""Instead of a window's name: the window with the best one-step losses so far."""


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


class Newest(NamedTuple):
    """places: of the rows that evaluate a challenger at once, none if there are too few. wait: some are used already.

    Then no challenger is trained until they are new: a later one has learned from more, and is decided no later.
    """

    places: IntArray
    wait: bool


Mixture = tuple[tuple[Model, float], ...]
"""Models with their weights, which add up to 1, the one trained last first; empty while no model is live."""

MetricsOn = Callable[[IntArray], Sequence[Asked]]
"""The metrics for the rows at some places: the primary first, then the guards."""
GuardsOn = Callable[[IntArray, Paired, Sequence[MetricResult]], GuardFinding]
"""What guards, slices and flips find on the rows at some places."""


def numbered(values: IntArray) -> IntArray:
    """The distinct values by their order, from 0, shape (k,)."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def guards_alone(_: IntArray, __: Paired, metrics: Sequence[MetricResult]) -> GuardFinding:
    """The finding of the guard metrics, without slices and flips."""
    return guard(metrics)


@dataclass(frozen=True)
class Stream:
    """n labelled rows, m moments, and the models of every moment.

    task, primary: of `naive_prediction`. labels, arrived, moment, cluster, day: shape (n,): a row's label; at which
    moment, from 0, the row arrived and its label became known; its cluster and its local day, numbered in order of
    time. days, year, newest: shape (m,): time of each moment in days since some day; its calendar year; the first of
    the newest days, which a challenger evaluated at once is not trained on.
    models: what each one predicts, None if it could not be trained; may be fitted on demand.
    windows: names of the windows that race, the first one before any race. classes: empty for a regression.
    look_back: how many batches count in the race; None for all. weights: shape (n,), how much each row counts; None if
    all count the same. alarms: what the channels look at in a life that trains on drift.
    """

    task: str
    primary: str
    lower_is_better: bool
    metrics: MetricsOn
    labels: FloatArray
    arrived: IntArray
    moment: IntArray
    cluster: IntArray
    day: IntArray
    days: FloatArray
    year: IntArray
    newest: IntArray
    left_out: FloatArray
    models: Mapping[Model, Predicted | None]
    windows: tuple[str, ...]
    classes: Sequence[float] = (0.0, 1.0)
    cluster_by: str = "day"
    second: tuple[str, IntArray] | None = None
    guards: GuardsOn = guards_alone
    look_back: int | None = None
    weights: FloatArray | None = None
    alarms: Alarms | None = None
    _losses: dict[tuple[Mixture, int], float] = field(default_factory=dict, compare=False, repr=False)
    _races: dict[tuple[int, bool], str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def moments(self) -> int:
        """How many there are, m."""
        return len(self.days)

    def between(self, after: int, until: int) -> IntArray:
        """Places of the rows whose label became known after a moment and by another one."""
        return np.flatnonzero((self.moment > after) & (self.moment <= until))

    def arrivals(self, moment: int) -> IntArray:
        """Places of the rows that arrived at a moment."""
        return np.flatnonzero(self.arrived == moment)

    def newest_rows(self, moment: int, used: int) -> Newest:
        """The rows of the newest days at a moment, and whether they can evaluate a challenger at once.

        used: the last moment whose rows an earlier decision has used, -1 for none.
        """
        seen = self.moment <= moment
        places = np.flatnonzero(seen & (self.day >= self.newest[moment]))
        counts = np.unique(self.cluster[places], return_counts=True)[1]
        few = undecidable_clusters(counts, self.cluster_by) is not None or any(
            (self.labels[places] == each).sum() < MIN_ROWS_OF_A_CLASS for each in self.classes
        )
        if few or not (seen & (self.day < self.newest[moment])).any():
            return Newest(places[:0], wait=False)
        return Newest(places, wait=bool(self.moment[places].min() <= used))

    def rows_for(self, challenger: Model, used: int, until: int) -> IntArray:
        """Places of the rows that may evaluate a challenger by a moment: not trained on, and unused so far."""
        unseen = self.moment > challenger.moment
        if challenger.without_newest:
            unseen |= self.day >= self.newest[challenger.moment]
        return np.flatnonzero(unseen & (self.moment > used) & (self.moment <= until))

    def rows_before(self, challenger: Model, after: int) -> IntArray:
        """Places of the rows that a challenger without the newest days was trained on and that came after a moment."""
        if not challenger.without_newest:
            return np.empty(0, dtype=np.int64)
        older = self.day < self.newest[challenger.moment]
        return np.flatnonzero(older & (self.moment > after) & (self.moment <= challenger.moment))

    def predicted(self, mixture: Mixture, places: IntArray) -> FloatArray:
        """What a mixture predicts for some rows, shape (k,) or (k, K)."""
        (first, weight), *others = mixture
        one = self._of(first).rows[places]
        if not others:
            return one
        return sum((w * self._of(model).rows[places] for model, w in others), weight * one)

    def constant(self, mixture: Mixture, rows: int) -> FloatArray:
        """The naive prediction from the training labels of the models, shape (rows,) or (rows, K)."""
        value = sum(weight * np.asarray(self._of(model).naive) for model, weight in mixture)
        return np.tile(value, (rows, 1) if np.ndim(value) else rows)

    def base_rate(self, moment: int) -> FloatArray:
        """The naive prediction for the rows of a moment from the labels before it, or for the first one from its own.

        Shape (k,) or (k, K).
        """
        places = self.arrivals(moment)
        before = np.flatnonzero(self.moment < moment)
        known = before if before.size else places
        labels, weights = self.labels[known], self.weights_of(known)
        return naive_prediction(self.task, self.primary, labels, places.size, len(self.classes), weights)

    def clusters_of(self, places: IntArray) -> tuple[IntArray, tuple[str, IntArray] | None]:
        """The clusters of some rows, numbered from 0, shape (k,), and the same of the second clustering if any."""
        second = self.second
        return numbered(self.cluster[places]), (second[0], numbered(second[1][places])) if second else None

    def weights_of(self, places: IntArray) -> FloatArray | None:
        """How much the rows at some places count, shape (k,); None if all count the same."""
        return None if self.weights is None else self.weights[places]

    def value(self, predicted: FloatArray, places: IntArray) -> float:
        """The primary metric on some rows; NaN where it has no value."""
        if not places.size:
            return float("nan")
        asked = self.metrics(places)[0]
        try:
            metric = asked.metric or load_metric(asked.name)
            return metric.measured(self.labels[places], predicted, self.weights_of(places))[0]
        except Undefined:
            return float("nan")

    def loss_on(self, predicted: FloatArray, places: IntArray) -> float:
        """The primary metric on some rows, with its sign changed if higher is better; NaN where it has no value."""
        value = self.value(predicted, places)
        return value if self.lower_is_better else -value

    def loss(self, mixture: Mixture, moment: int) -> float:
        """The primary metric on the rows that arrived at a moment, of the base rate where no model is live, or NaN."""
        key = (mixture, moment)
        if key not in self._losses:
            places = self.arrivals(moment)
            predicted = self.predicted(mixture, places) if mixture else self.base_rate(moment)
            self._losses[key] = self.value(predicted, places)
        return self._losses[key]

    def best_window(self, choice: str, moment: int, *, without_newest: bool = False) -> str:
        """The window to train on at a moment: the chosen one, or the winner of the race so far.

        without_newest: only batches that arrived before any row of the newest days count in the race.
        """
        if choice != RACE:
            return choice
        key = (moment, without_newest)
        if key not in self._races:
            last = moment
            if without_newest:
                last = int(self.arrived[(self.moment <= moment) & (self.day >= self.newest[moment])].min()) - 1
            steps = [step for t in range(1, last + 1) if (step := self._step(t, moment))]
            steps = steps if self.look_back is None else steps[-self.look_back :]
            self._races[key] = best_so_far(steps, lower_is_better=self.lower_is_better) or self.windows[0]
        return self._races[key]

    def _step(self, moment: int, now: int) -> dict[str, float]:
        """How each window's model predicts the next moment's rows; nothing before half of their labels are known."""
        rows = self.arrivals(moment)
        known = np.sort(self.moment[rows])
        if not known.size or (first := known[int(np.ceil(FEWEST_LABELS * known.size)) - 1]) > now:
            return {}
        places = rows[self.moment[rows] <= first]
        models = {name: Model(name, moment - 1) for name in self.windows}
        values = {
            name: self.loss(((model, 1.0),), moment)
            if places.size == rows.size
            else self.value(self.predicted(((model, 1.0),), places), places)
            for name, model in models.items()
            if self.models[model] is not None
        }
        return {name: value for name, value in values.items() if not np.isnan(value)}

    def _of(self, model: Model) -> Predicted:
        predicted = self.models[model]
        if predicted is None:
            raise LookupError(f"{model} could not be trained")
        return predicted
