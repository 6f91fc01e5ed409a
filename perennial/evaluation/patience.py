"""Looking more than once at the same challenger: the level of each look, such that all together err at α."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

Length = TypeVar("Length", float, timedelta)
_GRID = 1601
_WIDEST = 8.0


def evenly(alpha: float, t: float) -> float:
    """The part of α that is spent once the share t of the information is there: Kim & DeMets' (1987) α·t."""
    return alpha * t


def obrien_fleming(alpha: float, t: float) -> float:
    """Lan & DeMets' (1983) spending, which keeps nearly all of α for the end: 2·(1 − Φ(z/√t)), z that of α/2.

    Its bounds are close to those of O'Brien & Fleming (1979), A multiple testing procedure for clinical trials.

    >>> [round(obrien_fleming(0.05, t), 5) for t in (0.25, 0.5, 1.0)]
    [9e-05, 0.00557, 0.05]
    """
    from scipy import special

    return 2 * float(special.ndtr(float(special.ndtri(alpha / 2)) / t**0.5))


def next_looks(before: tuple[float, ...], passed: Length, patience: Length, left_out: Length) -> tuple[float, ...]:
    """The looks at a challenger so far and this one, each as the share of the patience that had passed by then.

    before: the earlier ones. passed, patience: since its training and to wait after it. left_out: how long before it
    the events were that its training left out: they are evaluated in addition, so they count as part of the whole and
    as passed. All in one unit, or durations.

    >>> next_looks((), 0, 60, 0), next_looks((), 0, 60, 15), next_looks((0.2,), 30, 60, 15)
    ((0.0,), (0.2,), (0.2, 0.6))
    """
    return (*before, max(min(1.0, (left_out + passed) / (left_out + patience)), *before, 0.0))


def nominal_level(alpha: float, looks: Sequence[float], spend: Callable[[float, float], float] = evenly) -> float:
    """The level at which the newest look may call the challenger better, one-sided.

    alpha: of all looks together. looks: the information at each look so far as a share of the declared patience,
    ascending, 0 < t ≤ 1 (days since training over the days of patience); the newest last. spend: of α and t, what is
    spent by then; by default the share t of α.
    The level is that of a normal statistic with independent increments, and the p-value of Student's t is compared
    with it: the approximation of Jennison & Turnbull's chapter 11.
    Source: Lan & DeMets (1983), Discrete sequential boundaries for clinical trials; the recursion is Armitage,
    McPherson & Rowe's (1969).

    >>> nominal_level(0.05, [1.0]), round(nominal_level(0.05, [0.5, 1.0]), 4)
    (0.05, 0.0354)
    """
    if not looks or any(not 0 < t <= 1 for t in looks) or list(looks) != sorted(looks):
        raise ValueError(f"looks must be ascending shares of the patience, above 0 and at most 1, not {list(looks)}")
    if len(looks) == 1:
        return spend(alpha, looks[0])
    import numpy as np
    from scipy import special

    # Of a Brownian motion B(t), z = B(t)/√t: the density of paths that no look has stopped yet, on a grid of B.
    density, grid, spent, level = None, None, 0.0, spend(alpha, looks[0])
    before = 0.0
    for t in looks:
        new_grid = np.linspace(-_WIDEST * t**0.5, _WIDEST * t**0.5, _GRID)
        step = t - before
        if density is None or grid is None:
            reached = _normal(new_grid / t**0.5) / t**0.5
        elif step == 0:
            return 0.0
        else:
            spacing = grid[1] - grid[0]
            reached = (_normal((new_grid[:, None] - grid) / step**0.5) / step**0.5 @ density) * spacing
        to_spend = spend(alpha, t) - spent
        bound = _bound(new_grid, reached, to_spend)
        level = float(special.ndtr(-bound / t**0.5))
        below = np.clip((bound - new_grid) / (new_grid[1] - new_grid[0]) + 0.5, 0.0, 1.0)
        density, grid, spent, before = reached * below, new_grid, spend(alpha, t), t
    return level


def _normal(z: np.ndarray) -> np.ndarray:
    import numpy as np

    density: np.ndarray = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5
    return density


def _bound(grid: np.ndarray, density: np.ndarray, tail: float) -> float:
    """The point above which `tail` of the density lies."""
    import numpy as np

    spacing = grid[1] - grid[0]
    above = np.cumsum(density[::-1])[::-1] * spacing - density * spacing / 2
    return float(np.interp(-tail, -above, grid))
