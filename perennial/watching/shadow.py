"""The shadow: what a fresh model would predict, at the price of a few small trees.

It is the live champion's raw score plus boosted trees that were fitted on the newest labelled days, none of which the
champion was trained on. On the same rows it differs from the champion only by what has changed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.weights import median_of
from perennial.model.predicting import text_columns
from perennial.model.threads import bounded_threads

if TYPE_CHECKING:
    import pandas as pd

ROUNDS, LEAVES, RATE, L2 = 15, 8, 0.07, 10.0
FEWEST_IN_A_LEAF = 20
BINS = 64
MOST_ROWS = 20_000
"""Trees are fitted on at most this many rows, evenly spaced, and on fewer if there are more than three classes."""
_FLOOR = 1e-6

Aim = Literal["probability", "absolute", "squared"]
"""What the trees make smaller: the log loss of probabilities, or an absolute or squared error of numbers."""


@dataclass(frozen=True)
class Leaf:
    """A fitted tree, as scikit-learn's, and the value of each of its nodes; only leaves are reached."""

    tree: object
    values: FloatArray

    def __call__(self, table: FloatArray) -> FloatArray:
        reached: FloatArray = self.values[self.tree.apply(table)]  # type: ignore[attr-defined]
        return reached


@dataclass(frozen=True)
class Coding:
    """How columns become numbers: edges of numeric ones, an order of the values of text ones."""

    edges: dict[str, FloatArray]
    order: dict[str, dict[object, float]]

    def __call__(self, inputs: pd.DataFrame) -> FloatArray:
        """The table that trees see, shape (n, columns), float32.

        Missing numbers have a separate bin; text that is missing or new is in the middle of the order.
        """
        columns = []
        for name, edges in self.edges.items():
            values = inputs[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
            columns.append(np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right")))
        columns += [
            inputs[name].map(order).astype("float64").fillna(0.0).to_numpy() for name, order in self.order.items()
        ]
        return np.column_stack(columns).astype(np.float32) if columns else np.zeros((len(inputs), 1), np.float32)


@dataclass(frozen=True)
class Shadow:
    """Trees on top of a champion. trees: a tuple for each round, with one tree for each score."""

    coding: Coding
    trees: tuple[tuple[Leaf, ...], ...]
    aim: Aim

    def predict(self, inputs: pd.DataFrame, predicted: FloatArray) -> FloatArray:
        """The shadow's predictions, in the shape of the champion's.

        inputs: n rows of the champion's input. predicted: the champion's, shape (n,), or (n, K) for classes.
        """
        table, scores = self.coding(inputs), raw(predicted, self.aim)
        for trees in self.trees:
            scores = scores + RATE * np.column_stack([tree(table) for tree in trees])
        return _as_predicted(scores, predicted, self.aim)


def fit_shadow(
    inputs: pd.DataFrame, predicted: FloatArray, labels: FloatArray, aim: Aim, weights: FloatArray | None = None
) -> Shadow:
    """Fit the trees: `ROUNDS` rounds of Newton boosting from the champion's score.

    inputs: n rows of the champion's input, n > 0; of many, those of `learned_from`. predicted: what the champion
    predicts for them, shape (n,) or (n, K).
    labels: shape (n,), numbers, 0 or 1, or positions 0..K−1. The same rows give the same trees.
    weights: shape (n,), with mean 1; None if all rows count the same.
    Source: Friedman (2001), Greedy function approximation; leaf values of Chen & Guestrin (2016), XGBoost, eq. 5.
    """
    scores = raw(predicted, aim)
    slope, _ = _derivatives(scores, labels, aim, weights)
    coding = _coding(inputs, slope[:, int(np.argmax(np.abs(slope).sum(axis=0)))])
    table, rounds = coding(inputs), []
    with bounded_threads():
        for _ in range(ROUNDS):
            slope, bend = _derivatives(scores, labels, aim, weights)
            distance = labels - scores[:, 0] if aim == "absolute" else None
            trees = tuple(_leaf(table, slope[:, k], bend[:, k], distance, weights) for k in range(scores.shape[1]))
            scores = scores + RATE * np.column_stack([tree(table) for tree in trees])
            rounds.append(trees)
    return Shadow(coding, tuple(rounds), aim)


def raw(predicted: FloatArray, aim: Aim) -> FloatArray:
    """Scores to which trees can be added, shape (n, 1) or (n, K): log odds, log probabilities, or the numbers."""
    values = np.asarray(predicted, dtype=np.float64)
    if aim != "probability":
        return values.reshape(len(values), 1)
    clipped = np.clip(values, _FLOOR, 1 - _FLOOR)
    return np.log(clipped) if values.ndim == 2 else np.log(clipped / (1 - clipped)).reshape(-1, 1)


def _as_predicted(scores: FloatArray, predicted: FloatArray, aim: Aim) -> FloatArray:
    if aim != "probability":
        return scores[:, 0]
    return _softmax(scores) if predicted.ndim == 2 else 1 / (1 + np.exp(-scores[:, 0]))


def _softmax(scores: FloatArray) -> FloatArray:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _derivatives(
    scores: FloatArray, labels: FloatArray, aim: Aim, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """How fast the weighted loss falls with each score, and how fast that changes; both of the scores' shape."""
    slope, bend = _of_a_row(scores, labels, aim)
    if weights is None:
        return slope, bend
    return weights[:, None] * slope, weights[:, None] * bend


def _of_a_row(scores: FloatArray, labels: FloatArray, aim: Aim) -> tuple[FloatArray, FloatArray]:
    if aim == "probability":
        p = _softmax(scores) if scores.shape[1] > 1 else 1 / (1 + np.exp(-scores))
        truth = np.eye(scores.shape[1])[labels.astype(np.int64)] if scores.shape[1] > 1 else labels.reshape(-1, 1)
        return truth - p, np.maximum(p * (1 - p), _FLOOR)
    off = labels.reshape(-1, 1) - scores
    return (np.sign(off) if aim == "absolute" else off), np.ones_like(off)


def _leaf(
    table: FloatArray,
    slope: FloatArray,
    bend: FloatArray,
    distance: FloatArray | None,
    weights: FloatArray | None,
) -> Leaf:
    """A tree on the Newton step; a leaf's value is shrunk by `L2`. distance: if given, leaves hold its median."""
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=FEWEST_IN_A_LEAF, random_state=0)
    tree.fit(table, slope / bend, sample_weight=bend)
    reached = tree.apply(table)
    rows = tree.tree_.node_count
    if distance is None:
        return Leaf(tree, np.bincount(reached, slope, rows) / (np.bincount(reached, bend, rows) + L2))
    values = np.zeros(rows)
    for leaf in np.unique(reached):
        inside = reached == leaf
        size = inside.sum() if weights is None else weights[inside].sum()
        middle = median_of(distance[inside], None if weights is None else weights[inside])
        values[leaf] = middle * size / (size + L2)
    return Leaf(tree, values)


def _coding(inputs: pd.DataFrame, slope: FloatArray) -> Coding:
    """Quantile edges of numbers; text in the order of how far the champion is off, shrunk where rows are few."""
    text = text_columns(inputs)
    edges, order = {}, {}
    for name in inputs.columns:
        if name in text:
            sums = _sums(inputs[name], slope)
            order[str(name)] = {value: total / (rows + L2) for value, (total, rows) in sums.items()}
        else:
            values = inputs[name].astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
            inside = values[np.isfinite(values)]
            edges[str(name)] = (
                np.unique(np.quantile(inside, np.linspace(0, 1, BINS + 1)[1:-1])) if inside.size else inside
            )
    return Coding(edges, order)


def _sums(values: pd.Series, slope: FloatArray) -> dict[object, tuple[float, int]]:
    import pandas as pd

    grouped = pd.Series(slope).groupby(values.astype("object").to_numpy()).agg(["sum", "count"])
    return {value: (float(row["sum"]), int(row["count"])) for value, row in grouped.iterrows()}


def learned_from(rows: int, predicted: FloatArray) -> np.ndarray:
    """Positions of the rows that trees are fitted on, of so many. predicted: the champion's, of any rows."""
    most = int(MOST_ROWS * min(1.0, 3 / (predicted.shape[1] if predicted.ndim == 2 else 1)))
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)
