"""A race of training windows or estimators: the one with the best next-batch predictions so far is trained next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HALF_LIFE = 12
"""Batches after which a loss counts half."""


def fading(number: int, half_life: float = HALF_LIFE) -> list[float]:
    """The weight of each of `number` batches, the oldest first; the newest has weight 1.

    >>> fading(3, half_life=1)
    [0.25, 0.5, 1.0]
    """
    return [2.0 ** (-(number - 1 - place) / half_life) for place in range(number)]


def standing(steps: Sequence[Mapping[str, float]], *, half_life: float = HALF_LIFE) -> dict[str, float]:
    """Each rival's one-step loss so far, as a weighted mean in which the newest batch counts most.

    steps: for each earlier batch, the oldest first, rival → its metric there, of a model trained before that batch.
    Only batches that all rivals have are used, since losses on different batches cannot be compared.

    >>> standing([{"all": 0.4, "last 90d": 0.2}, {"all": 0.3, "last 90d": 0.3}], half_life=1)
    {'all': 0.3333333333333333, 'last 90d': 0.26666666666666666}
    """
    rivals = list(dict.fromkeys(name for step in steps for name in step))
    whole = [step for step in steps if len(step) == len(rivals)]
    if not whole:
        return {}
    weights = fading(len(whole), half_life)
    return {name: sum(w * step[name] for w, step in zip(weights, whole, strict=True)) / sum(weights) for name in rivals}


def best_so_far(
    steps: Sequence[Mapping[str, float]], *, lower_is_better: bool, half_life: float = HALF_LIFE
) -> str | None:
    """The rival with the best standing, the first one if equal; None before the first batch that all have predicted.

    The rows that will evaluate the model come later, so this choice uses up none of them.
    Source: rolling-origin evaluation, Tashman (2000), Out-of-sample tests of forecasting accuracy.

    >>> best_so_far([{"all": 0.4, "last 90d": 0.2}], lower_is_better=True)
    'last 90d'
    """
    standings = standing(steps, half_life=half_life)
    if not standings:
        return None
    return min(standings, key=lambda name: standings[name] if lower_is_better else -standings[name])
