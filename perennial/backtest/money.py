"""What lives earn in the declared value, less the price of their retrainings, beside never retraining and hindsight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perennial.backtest.amount import Amount, amount
from perennial.backtest.clairvoyant import cheapest_path
from perennial.backtest.lives import Lived
from perennial.backtest.stream import Mixture, Stream
from perennial.evaluation.arrays import FloatArray, IntArray

Earned = Callable[[Mixture, int], float]
"""The declared value of a moment's rows with some models live."""


@dataclass(frozen=True)
class Earnings:
    """What a life earns on the compared batches.

    net: its value less the price of its retrainings, summed. retrainings: from the first compared batch on.
    share: of what the clairvoyant gains over never retraining, None if that gains nothing. break_even: the price of a
    retraining up to which this life earns more than never retraining, None if it never retrains. by_batch: net.
    """

    net: Amount
    retrainings: int
    share: float | None
    break_even: float | None
    by_batch: tuple[float, ...]


@dataclass(frozen=True)
class Hindsight:
    """Two lives that nobody chooses, as sums over the compared batches and on each.

    price: of one retraining. never: what the declared life served on the first of them, kept on all. clairvoyant: the
    best model on each batch if each of its changes costs that price.
    """

    price: float
    never: float
    never_by_batch: tuple[float, ...]
    clairvoyant: float
    clairvoyant_by_batch: tuple[float, ...]
    changes: int


def hindsight(stream: Stream, declared: Lived, earned: Earned, compared: Sequence[int], price: float) -> Hindsight:
    """What never retraining and knowing everything would have earned on the compared moments."""
    kept = declared.served[compared[0]]
    never = np.array([earned(kept, t) for t in compared])
    # A challenger that left the newest days out is not an alternative: the model trained on all days is.
    models = [model for model, predicted in stream.models.items() if predicted and not model.without_newest]
    costs = np.array(
        [[-earned(((model, 1.0),), t) if model.moment < t else np.inf for t in compared] for model in models]
    )
    path = cheapest_path(costs, price)
    best = -costs[list(path), np.arange(len(compared))]
    changed = np.array([False, *(now != then for then, now in pairwise(path))])
    best -= price * changed
    return Hindsight(
        price=price,
        never=float(never.sum()),
        never_by_batch=tuple(never.tolist()),
        clairvoyant=float(best.sum()),
        clairvoyant_by_batch=tuple(best.tolist()),
        changes=int(changed.sum()),
    )


def earnings(
    values: FloatArray, life: Lived, compared: Sequence[int], periods: IntArray, beside: Hindsight
) -> Earnings:
    """What a life earns. values: of the compared moments, shape (k,). periods: as `periods_of`."""
    trained = [
        min(np.searchsorted(compared, moment), len(compared) - 1) for moment in life.trained if moment >= compared[0]
    ]
    counts = np.bincount(np.array(trained, dtype=np.int64), minlength=len(compared))
    net = values - beside.price * counts
    gained, possible = float(net.sum()) - beside.never, beside.clairvoyant - beside.never
    retrainings = len(trained)
    return Earnings(
        net=amount(net, periods, total=True),
        retrainings=retrainings,
        share=gained / possible if possible > 0 else None,
        break_even=(float(values.sum()) - beside.never) / retrainings if retrainings else None,
        by_batch=tuple(net.tolist()),
    )
