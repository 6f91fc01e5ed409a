"""Value: what the predictions are worth, by a custom function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from perennial.errors import PerennialError, TerminalError
from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import counted
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.weights import mean_and_influence

MIN_DISCORDANT_ROWS = 200

Worth = Callable[[FloatArray, FloatArray], FloatArray]


class ValueFailed(TerminalError):
    """A custom value function did not return a finite number for each row."""

    code = "value-failed"


def worth(
    of_rows: Worth,
    tasks: tuple[str, ...],
    *,
    name: str = "value",
    direction: Literal["lower", "higher"] = "higher",
) -> Metric:
    """The mean of v = of_rows(y, p), in the function's own unit (money); influence v − v̄.

    of_rows: (y, p), shapes (n,), to each row's worth, shape (n,).
    Two models differ only on the rows whose worth differs, so 200 of those are needed.
    Raises ValueFailed if the function returns another shape or a value that is not finite.

    >>> metric = worth(lambda y, p: np.where(p >= 0.45, np.where(y == 1, 10.0, -1.0), 0.0), ("binary",))
    >>> metric.value_and_influence(np.array([1.0, 0.0]), np.array([0.9, 0.5]))[0]
    4.5
    """

    def rows(y: FloatArray, p: FloatArray) -> FloatArray:
        try:
            worths = np.asarray(of_rows(y, p), dtype=np.float64)
        except PerennialError:
            raise
        except Exception as error:
            raise ValueFailed(f"metric '{name}' failed on {y.size:,} rows: {error!r}") from error
        if worths.shape != y.shape:
            raise ValueFailed(
                f"metric '{name}' returned shape {worths.shape} for {y.size:,} rows; "
                "it must return one number per row, or be declared with `per: all`"
            )
        if broken := int((~np.isfinite(worths)).sum()):
            raise ValueFailed(
                f"metric '{name}' did not return a finite number for {counted(broken, 'row', 'rows')} of {y.size:,}"
            )
        return worths

    def value(y: FloatArray, p: FloatArray, weights: FloatArray | None = None) -> tuple[float, FloatArray]:
        return mean_and_influence(rows(y, p), weights)

    def too_few_discordant(y: FloatArray, champion: FloatArray, challenger: FloatArray) -> str | None:
        different = int((rows(y, champion) != rows(y, challenger)).sum())
        if different >= MIN_DISCORDANT_ROWS:
            return None
        return (
            f"{counted(different, 'row', 'rows')} of another worth under the two models; {MIN_DISCORDANT_ROWS} needed"
        )

    return Metric(name, tasks, direction, value, too_few_discordant)
