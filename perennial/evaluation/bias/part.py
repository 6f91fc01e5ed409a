"""Some of the rows, such as a group or all others: their mean, and each row's influence on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.fixed_point import exact_sum
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import mean_of, weighed


@dataclass(frozen=True)
class Part:
    """places: shape (m,), of the rows in `clusters`, which are all of them."""

    places: IntArray
    clusters: Clusters

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.places.size

    @cached_property
    def weights(self) -> FloatArray | None:
        """Of these rows, shape (m,); None if all weigh the same."""
        return None if self.clusters.weights is None else self.clusters.weights[self.places]

    @cached_property
    def codes(self) -> IntArray:
        """The cluster of each of these rows, shape (m,)."""
        return self.clusters.codes[self.places]

    def those(self, of: FloatArray | None) -> Part:
        """The rows among these for which `of`, shape (n,), is 1; all of them without it."""
        return self if of is None else Part(self.places[of[self.places] > 0], self.clusters)

    def mean(self, values: FloatArray) -> float:
        """The mean of values, shape (n,), over these rows."""
        return mean_of(values[self.places], self.weights)

    def share_of(self, chosen: FloatArray) -> float:
        """The mean of values that are 0 or 1, shape (n,), over these rows."""
        if self.weights is not None:
            return self.mean(chosen)
        return int(np.count_nonzero(chosen[self.places])) / self.size

    def influence(self, values: FloatArray, mean: float) -> FloatArray:
        """Each row's influence on that mean, shape (m,), as one of all n rows."""
        return weighed((values[self.places] - mean) / self.share, self.weights)

    @cached_property
    def share(self) -> float:
        """The share of all rows, or of their weight, that these have."""
        every = self.clusters.weights
        return (
            self.size / self.clusters.codes.size if every is None else exact_sum(every[self.places]) / exact_sum(every)
        )

    @property
    def number_of_clusters(self) -> int:
        """In how many clusters the rows are; with a second clustering, the smaller number."""
        number = _distinct(self.codes)
        second = self.clusters.second
        return number if second is None else min(number, _distinct(second[1][self.places]))


def _distinct(codes: IntArray) -> int:
    return int(np.count_nonzero(np.bincount(codes)))
