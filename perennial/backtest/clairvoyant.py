"""The best that hindsight allows: which model to serve on each batch if every change of it has a price."""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray


def cheapest_path(costs: FloatArray, price: float = 0.0) -> tuple[int, ...]:
    """The model of each batch with the lowest sum of costs, and of a price for each change; of equal ones, no change.

    costs: shape (k, m), what each of k models costs on each of m batches; infinite before it is trained. price: of a
    fit and its release, 0 or more. The first model is free, since every life has one by then.
    Source: Bellman (1957), Dynamic Programming. The cheapest way to serve a model is to have served it on the batch
    before, or to change to it from the cheapest way so far.

    >>> costs = np.array([[1.0, 5.0, 5.0], [2.0, 3.0, 3.0]])
    >>> cheapest_path(costs), cheapest_path(costs, price=3.5), cheapest_path(costs, price=9.0)
    ((0, 1, 1), (1, 1, 1), (1, 1, 1))
    """
    models, batches = costs.shape
    total, before = costs[:, 0].copy(), np.empty((models, batches), dtype=np.int64)
    for batch in range(1, batches):
        cheapest = int(np.argmin(total))
        changes = total[cheapest] + price < total
        before[:, batch] = np.where(changes, cheapest, np.arange(models))
        total = np.where(changes, total[cheapest] + price, total) + costs[:, batch]
    path = [int(np.argmin(total))]
    for batch in range(batches - 1, 0, -1):
        path.append(int(before[path[-1], batch]))
    return tuple(reversed(path))
