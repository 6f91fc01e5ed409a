"""The mixture that a challenger is evaluated in: half of what is live, half of the challenger."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import TypeVar

Model = TypeVar("Model", bound=Hashable)

HALF = Fraction(1, 2)


def half_and_half(
    live: Sequence[tuple[Model, float]], challenger: Model, members: int
) -> tuple[tuple[Model, float], ...]:
    """Half of what is live and half of the challenger, with at most `members` models; the weights add up to 1.

    live: each live model with its weight, the one that was trained last first. Of the mixture, the models with the
    largest weights are kept, the newer of two equal ones, and their weights are scaled to add up to 1. The result has
    the challenger first and keeps the order of the others. It is fixed before the rows that evaluate it are seen.

    With one live model and a convex loss, the gain of the mixture is at least half the challenger's (Jensen's
    inequality), and its standard error is about half as large. Where models are left out, the challenger has up to two
    thirds of the weight, and that bound does not hold.
    Raises ValueError for fewer than two members or a challenger that is live.

    >>> half_and_half([("a", 1.0)], "b", 2)
    (('b', 0.5), ('a', 0.5))
    >>> half_and_half([("b", 0.5), ("a", 0.5)], "c", 2)
    (('c', 0.6666666666666666), ('b', 0.3333333333333333))
    """
    if members < 2:
        raise ValueError(f"a mixture has at least 2 members, not {members}")
    if challenger in dict(live):
        raise ValueError(f"{challenger} is live already")
    mixed = [(challenger, HALF), *((model, HALF * Fraction(weight)) for model, weight in live)]
    # sorted is stable: of equal weights the newer model comes first.
    kept = {model for model, _ in sorted(mixed, key=lambda each: -each[1])[:members]}
    whole = sum((weight for model, weight in mixed if model in kept), Fraction(0))
    return tuple((model, float(weight / whole)) for model, weight in mixed if model in kept)
