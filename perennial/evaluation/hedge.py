"""Which past models predict well now: weights that follow their losses, so that an old one can be recalled.

Source: Freund & Schapire (1997), A decision-theoretic generalization of on-line learning and an application to
boosting (Hedge: a weight shrinks exponentially with the loss); Herbster & Warmuth (1998), Tracking the best expert
(fixed share: each model gets a little of every weight back, so that one that was bad for years can return).
benchmarks/README.md has what it gains.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Generic, TypeVar

Model = TypeVar("Model", bound=Hashable)

LEARNING_RATE = 10.0
"""Per unit of the skill that the best model has on average over the constant."""
SHARED = 0.05
"""Of all weights, spread evenly over the models after each batch."""
OF_THE_NEWEST = 0.3
"""The weight with which a model joins."""
RECALLED = 3
"""At most so many past models are in a mixture."""


@dataclass(frozen=True)
class Followed(Generic[Model]):
    """A batch with labels, and how the models that were trained before it predict it.

    losses: of each model, lower is better; a model that is left out keeps its weight. naive: the loss of the constant
    from training labels. joined: the models that were trained at the batch's end, the oldest first.
    """

    losses: Mapping[Model, float]
    naive: float
    joined: tuple[Model, ...] = ()


def hedge_weights(batches: Iterable[Followed[Model]]) -> tuple[tuple[Model, float], ...]:
    """Each model with its weight after some batches, the newest model first; the weights add up to 1.

    The unit of the losses does not matter: they count relative to the mean skill so far of the best model of each
    batch, in which a batch on which the constant is better counts as 0. Before the first skill, they change nothing.

    >>> one = Followed({"old": 0.5}, naive=0.7, joined=("new",))
    >>> two = Followed({"old": 0.4, "new": 0.6}, naive=0.7)
    >>> [(name, round(weight, 2)) for name, weight in hedge_weights([Followed({}, 0.7, ("old",)), one, two])]
    [('new', 0.03), ('old', 0.97)]
    """
    weights: dict[Model, float] = {}
    skill, measured = 0.0, 0
    for batch in batches:
        if batch.losses:
            best = min(batch.losses.values())
            skill, measured = skill + max(batch.naive - best, 0.0), measured + 1
            if skill > 0:
                _follow(weights, {model: (loss - best) / (skill / measured) for model, loss in batch.losses.items()})
            weights = {model: (1 - SHARED) * weight + SHARED / len(weights) for model, weight in weights.items()}
        for model in batch.joined:
            weights = {each: (1 - OF_THE_NEWEST) * weight for each, weight in weights.items()}
            weights[model] = OF_THE_NEWEST if weights else 1.0
    return tuple(reversed(weights.items()))


def _follow(weights: dict[Model, float], behind: Mapping[Model, float]) -> None:
    """Shift weight among the measured models, by how far each is behind the best one; their sum stays."""
    shrunk = {model: weights[model] * exp(-LEARNING_RATE * far) for model, far in behind.items()}
    scale = sum(weights[model] for model in behind) / sum(shrunk.values())
    weights.update({model: weight * scale for model, weight in shrunk.items()})


def half_and_recalled(weights: Sequence[tuple[Model, float]], challenger: Model) -> tuple[tuple[Model, float], ...]:
    """Half of the challenger and half of the past models with the largest weights; the weights add up to 1.

    weights: the newest model first, the newer of two equal ones is preferred. The result has the challenger first and
    keeps the order of the others; it is the challenger alone if there is no other model.

    >>> half_and_recalled([("d", 0.5), ("c", 0.125), ("b", 0.125), ("a", 0.375)], "e")
    (('e', 0.5), ('d', 0.25), ('c', 0.0625), ('a', 0.1875))
    """
    past = [(model, weight) for model, weight in weights if model != challenger]
    # sorted is stable: of equal weights the newer model comes first.
    kept = dict(sorted(past, key=lambda each: -each[1])[:RECALLED])
    if not kept:
        return ((challenger, 1.0),)
    whole = sum(kept.values())
    return ((challenger, 0.5), *((model, weight / whole / 2) for model, weight in past if model in kept))
