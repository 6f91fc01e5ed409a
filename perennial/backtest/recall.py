"""The past challengers of a life, how well they predict, and the mixture that recalls the best of them."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.backtest.stream import Mixture, Model, Stream
from perennial.evaluation.arrays import IntArray
from perennial.evaluation.hedge import Followed, half_and_recalled, hedge_weights


def followed(
    stream: Stream, before: Sequence[Followed[Model]], places: IntArray, joined: tuple[Model, ...] = ()
) -> Followed[Model]:
    """How the challengers that joined before predict some rows. joined: those that were trained with these."""
    models = [model for each in before for model in each.joined]
    losses = {model: stream.loss_on(stream.predicted(((model, 1.0),), places), places) for model in models}
    if any(loss != loss for loss in losses.values()) or not places.size:
        losses = {}
    naive = stream.loss_on(stream.constant(((models[-1], 1.0),), places.size), places) if losses else 0.0
    return Followed(losses, naive, joined)


def recalling(stream: Stream, moments: Sequence[Followed[Model]], challenger: Model, places: IntArray) -> Mixture:
    """The mixture that is evaluated on some rows. It depends only on rows that the challenger could learn from.

    moments: each one up to now, the oldest first.
    """
    first = int(stream.moment[places].min())
    before = moments[:first]
    learned = followed(stream, before, stream.rows_before(challenger, first - 1))
    return half_and_recalled(hedge_weights([*before, learned]), challenger)
