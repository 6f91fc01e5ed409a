"""Both models on the same rows: labels, predictions, clusters and weights in one object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray, Sizes
from perennial.evaluation.intervals.cluster_sums import rows_of_clusters, sums_of_clusters
from perennial.evaluation.weights import relative


@dataclass(frozen=True)
class Clusters:
    """Which rows are correlated with each other, and how much each counts.

    codes: shape (n,), each row's cluster, numbered 0..T−1 in time order. name: `day`, `week` or a column.
    second: a second clustering: its name and each row's cluster, shape (n,), from 0.
    weights: shape (n,), how much each row counts, with mean 1 (see `relative`); None if all count the same.
    """

    codes: IntArray
    name: str = "day"
    second: tuple[str, IntArray] | None = None
    weights: FloatArray | None = None

    @cached_property
    def counts(self) -> IntArray:
        """How many rows each cluster has, shape (T,). Raises ValueError if the numbering has a gap."""
        return rows_of_clusters(self.codes)

    @cached_property
    def crossed(self) -> tuple[IntArray, IntArray]:
        """Each row's second cluster, and its pair of both clusters, numbered from 0 without gaps, shape (n,).

        Raises ValueError without a second clustering.
        """
        if self.second is None:
            raise ValueError("there is no second clustering")
        second = self.second[1]
        _, alone = np.unique(second, return_inverse=True)
        _, pairs = np.unique(self.codes.astype(np.int64) * (int(second.max()) + 1) + second, return_inverse=True)
        return alone, pairs

    @cached_property
    def sizes(self) -> Sizes:
        """How much each cluster counts, shape (T,), together n: its rows, or n times its share of the weight."""
        return self.counts if self.weights is None else sums_of_clusters(self.weights, self.codes, self.counts.size)


@dataclass(frozen=True)
class Paired:
    """Labels and the two models' predictions of the same rows.

    y: shape (n,). champion, challenger: shape (n,), or (n, K) for K classes, with labels as positions 0..K−1.
    Raises ValueError if the shapes differ.
    """

    y: FloatArray
    champion: FloatArray
    challenger: FloatArray
    clusters: Clusters

    def __post_init__(self) -> None:
        rows, shape = self.y.shape, self.champion.shape
        if (weights := self.clusters.weights) is not None and weights.shape != rows:
            raise ValueError(f"{weights.size} weights of {self.y.size} rows")
        if not (len(rows) == 1 and rows == self.clusters.codes.shape == shape[:1] and self.challenger.shape == shape):
            raise ValueError(
                "labels, predictions and clusters must have the same length, and both models' predictions one shape"
            )

    def at(self, places: IntArray) -> Paired:
        """Some of the rows, with their clusters renumbered. A second clustering is left out."""
        _, codes = np.unique(self.clusters.codes[places], return_inverse=True)
        return Paired(
            self.y[places],
            self.champion[places],
            self.challenger[places],
            Clusters(
                codes.astype(np.int64),
                self.clusters.name,
                weights=None if self.clusters.weights is None else relative(self.clusters.weights[places]),
            ),
        )


def paired(
    y: FloatArray,
    champion: FloatArray,
    challenger: FloatArray,
    cluster_codes: IntArray,
    *,
    cluster_by: str = "day",
    second: tuple[str, IntArray] | None = None,
    weights: FloatArray | None = None,
) -> Paired:
    """`Paired` from arrays of any numeric type. Predictions keep their precision, by which log loss clips them.

    weights: shape (n,), positive, of any mean. Raises ValueError for another weight.
    """
    return Paired(
        np.asarray(y, dtype=np.float64),
        _as_floats(champion),
        _as_floats(challenger),
        Clusters(np.asarray(cluster_codes, dtype=np.int64), cluster_by, second, relative(weights)),
    )


def _as_floats(predictions: FloatArray) -> FloatArray:
    given = np.asarray(predictions)
    return given if given.dtype.kind == "f" else given.astype(np.float64)
