"""Ranges that ordinary batches keep, proposed from the rows of the past.

Each day is one aggregate; batches of 28 days are put together from blocks of 7 consecutive days drawn at random, so
that they vary as real ones do: days drawn singly give ranges that many ordinary months break. Drawn batches lie round
the mean of the past, a new one round the true mean, from which that of few days may be far: the range is made wider by
it. A season longer than the data still breaks some, so a proposal is a warning.
Source: Künsch (1989), the moving-block bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

BLOCK_DAYS = 7
BLOCKS = 4
DRAWS = 1_000
MOST_NAMES = 20
LEAST_ROWS = 200
_MARGIN = 0.1
_CUT = 0.005
_WIDER = 1.5
_LEAST_REACH = 0.25
_SKEWED = 3.0
_MOST_OUTSIDE = 0.001
_SAME = 0.95
_OFTEN = 0.5
YEAR_DAYS = 365
LEAST_DAYS = 20
_ALIKE = 0.5
_AT_ZERO = 0.05
_SMALL_COUNT = 100


@dataclass(frozen=True)
class Proposal:
    """A check as a declaration writes it. why: the ordinary range, and from how many days.

    outside: how many rows of the past it warns about, and furthest the most extreme value among them.
    """

    expectation: str
    arguments: dict[str, Any]
    why: str
    outside: int = 0
    furthest: float | None = None


def propose(frame: pd.DataFrame, days: pd.Series, *, monthly: bool, seed: int = 0) -> list[Proposal]:
    """Checks that ordinary batches pass: rows, and of each column the range of its values and its mean, or its names.

    frame: the features; numbers and truth values as numbers, all else as text. days: each row's day, aligned.
    monthly: whether batches are months, the only ones that 28 days stand for; else only names are proposed.
    """
    import numpy as np
    import pandas as pd

    every = pd.date_range(days.min(), days.max(), freq="D")
    codes = every.get_indexer(pd.DatetimeIndex(days))
    rows = np.bincount(codes, minlength=len(every)).astype(float)
    proposals: list[Proposal] = []
    blocks = _blocks(len(every), seed) if monthly and len(every) >= BLOCKS * BLOCK_DAYS else None
    with_rows = int((rows > 0).sum())
    less = f", {with_rows:,} of them with rows" if with_rows < len(every) else ""
    basis = f"in batches of 28 days put together from {len(every):,} calendar days{less}"
    if blocks is not None:
        drawn = rows[blocks].sum(axis=1)
        low, high = _range(drawn, len(every))
        least, most = max(1, floor(low)), ceil(high * 31 / 28)
        proposals.append(
            Proposal(
                "expect_table_row_count_to_be_between",
                {"min_value": least, "max_value": most},
                f"{drawn.min():,.0f} to {drawn.max():,.0f} rows {basis}, and three days more",
            )
        )
    numeric = [name for name, values in frame.items() if pd.api.types.is_numeric_dtype(values)]
    season = {name: _moves_with_the_season(frame[name], codes, len(every)) for name in numeric}
    ranges = {name: _values(str(name), frame[name], below_zero=season[name]) for name in numeric}
    proposals += [proposal for proposal in ranges.values() if proposal is not None]
    for name in frame.columns.difference(numeric, sort=False):
        proposals += _names(str(name), frame[name])
    if blocks is not None:
        for name in numeric:
            inside = _inside(frame[name], ranges[name])
            proposals += _mean(str(name), inside, codes, blocks, basis, below_zero=season[name])
    return proposals


def _inside(values: pd.Series, proposal: Proposal | None) -> pd.Series:
    """The values without those outside their range, so that an absurd one of the past widens no range of means."""
    if proposal is None:
        return values
    return values.where(values.between(proposal.arguments["min_value"], proposal.arguments["max_value"]))


def _moves_with_the_season(values: pd.Series, codes: np.ndarray, days: int) -> bool:
    """Whether less than a year is known of a column whose days resemble the day before, as temperatures do.

    Such a column may go below 0 in the rest of the year, unless its values stop at 0, as those of rain do.
    """
    import numpy as np

    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    there = np.isfinite(numbers)
    if days >= YEAR_DAYS or (numbers[there] == 0).mean() > _AT_ZERO:
        return False
    counts = np.bincount(codes[there], minlength=days)
    means = np.bincount(codes[there], weights=numbers[there], minlength=days)[counts > 0] / counts[counts > 0]
    if len(means) < LEAST_DAYS or np.ptp(means) == 0:
        return False
    return bool(np.corrcoef(means[:-1], means[1:])[0, 1] > _ALIKE)


def _values(name: str, values: pd.Series, *, below_zero: bool) -> Proposal | None:
    """A range that only implausible values leave: half a percent is cut off at either end, and what is left reaches 1.5
    times as far again from the median.

    Where the upper end is much further from the middle than the lower, and both are above 0, their logarithms are
    taken, but not of small counts: from 1 to 7 their logarithms would reach to 130. A value that most rows have, such
    as 0, belongs to the range and does not form it. Values that are never below 0 have 0 as lower end at least, unless
    `below_zero`. None for truth values, a column that is nearly always the same, or one of whose rows more than one in
    a thousand lie outside all the same.
    """
    import numpy as np
    import pandas as pd

    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    numbers = numbers[np.isfinite(numbers)]
    if pd.api.types.is_bool_dtype(values) or len(numbers) < LEAST_ROWS or _nearly_constant(numbers):
        return None
    usual, share = _most_frequent(numbers)
    varied = numbers[numbers != usual] if share > _OFTEN else numbers
    if len(varied) < LEAST_ROWS:
        return None
    low, middle, high = np.quantile(varied, [_CUT, 0.5, 1 - _CUT])
    if high <= low:
        return None
    small_counts = high <= _SMALL_COUNT and bool((varied == np.round(varied)).all())
    if low > 0 and high - middle > _SKEWED * (middle - low) and not small_counts:
        least, most = _farther(*np.log([low, middle, high]))
        bounds = float(np.exp(least)), float(np.exp(most))
    else:
        bounds = _farther(low, middle, high)
    bounds = max(bounds[0], 0.0) if low >= 0 and not below_zero else bounds[0], bounds[1]
    if share > _OFTEN:
        bounds = min(bounds[0], usual), max(bounds[1], usual)
    step = 10.0 ** floor(log10(bounds[1] - bounds[0])) / 100
    least, most = _stepped(bounds[0], step, floor), _stepped(bounds[1], step, ceil)
    beyond = numbers[(numbers < least) | (numbers > most)]
    if len(beyond) > max(1, _MOST_OUTSIDE * len(numbers)):
        return None
    return Proposal(
        "expect_column_values_to_be_between",
        {"column": name, "min_value": least, "max_value": most},
        f"{_whose(varied, numbers, usual)} lie between {' and '.join(_apart(low, high))}",
        len(beyond),
        float(beyond[np.argmax(np.abs(beyond - middle))]) if len(beyond) else None,
    )


def _whose(varied: np.ndarray, numbers: np.ndarray, usual: float) -> str:
    """Which values form a range; those that nearly all rows have are named."""
    if len(varied) == len(numbers):
        return f"99 % of {len(varied):,} values"
    same = len(numbers) - len(varied)
    return f"{same:,} of {len(numbers):,} values are {usual:.4g}; 99 % of the others"


def _apart(low: float, high: float) -> tuple[str, str]:
    """Two numbers with as many digits, from four on, as show that they differ.

    >>> _apart(1, 7), _apart(1013.2, 1013.4)
    (('1', '7'), ('1013.2', '1013.4'))
    """
    written = [(f"{low:.{digits}g}", f"{high:.{digits}g}") for digits in range(4, 11)]
    return next((pair for pair in written if pair[0] != pair[1]), written[0])


def _farther(low: float, middle: float, high: float) -> tuple[float, float]:
    """The ends of a range, each `_WIDER` times as far again from the middle; at least a part of the whole width."""
    least = _LEAST_REACH * (high - low)
    return low - _WIDER * max(middle - low, least), high + _WIDER * max(high - middle, least)


def _most_frequent(numbers: np.ndarray) -> tuple[float, float]:
    """The value that most rows have, and their share."""
    import numpy as np

    different, counts = np.unique(numbers, return_counts=True)
    return float(different[counts.argmax()]), float(counts.max() / len(numbers))


def _nearly_constant(numbers: np.ndarray) -> bool:
    """Whether one value, such as 0, is nearly all there is: then neither a range nor a mean is usual."""
    return _most_frequent(numbers)[1] > _SAME


def _mean(
    name: str, values: pd.Series, codes: np.ndarray, blocks: np.ndarray, basis: str, *, below_zero: bool
) -> list[Proposal]:
    import numpy as np

    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    there = np.isfinite(numbers)
    days = int(codes.max()) + 1
    counts = np.bincount(codes[there], minlength=days)[blocks].sum(axis=1)
    sums = np.bincount(codes[there], weights=numbers[there], minlength=days)[blocks].sum(axis=1)
    if not (counts > 0).all() or _nearly_constant(numbers[there]):
        return []
    means = sums / counts
    low, high = _range(means, days)
    low = max(low, 0.0) if numbers[there].min() >= 0 and not below_zero else low
    step = 10.0 ** floor(log10(high - low)) / 10 if high > low else 1.0
    bounds = {"min_value": _stepped(low, step, floor), "max_value": _stepped(high, step, ceil)}
    why = f"means of {' to '.join(_apart(float(means.min()), float(means.max())))} {basis}"
    return [Proposal("expect_column_mean_to_be_between", {"column": name, **bounds}, why)]


def _names(name: str, values: pd.Series) -> list[Proposal]:
    known = sorted(values.dropna().astype("str").unique())
    if not known or len(known) > MOST_NAMES:
        return []
    return [
        Proposal(
            "expect_column_values_to_be_in_set",
            {"column": name, "value_set": known},
            f"all there were in {int(values.notna().sum()):,} rows",
        )
    ]


def _blocks(days: int, seed: int) -> np.ndarray:
    """Days of `DRAWS` batches, shape (DRAWS, 28): blocks of consecutive days, round the end to the beginning."""
    import numpy as np

    starts = np.random.default_rng(seed).integers(0, days, (DRAWS, BLOCKS, 1))
    days_of_batches: np.ndarray = ((starts + np.arange(BLOCK_DAYS)) % days).reshape(DRAWS, -1)
    return days_of_batches


def _range(values: np.ndarray, days: int) -> tuple[float, float]:
    """From the least to the most of the drawn batches, and a tenth of that on either side.

    days: how many there are to draw from. The mean of 28 new days differs from that of n past ones with variance
    s²/28 + s²/n, where the drawn batches have s²/28; they have less, as blocks of 7 of n days have (1 - 7/n) of it.
    """
    low, middle, high = float(values.min()), float(values.mean()), float(values.max())
    more = _MARGIN * (high - low)
    wider = sqrt((1 + BLOCKS * BLOCK_DAYS / days) / (1 - BLOCK_DAYS / days))
    return middle - wider * (middle - low + more), middle + wider * (high - middle + more)


def _stepped(value: float, step: float, away: Any) -> float:
    """A whole number of steps, away from the middle of the range: `away` is floor for the lower end, else ceil."""
    return float(f"{away(value / step) * step:.10g}")
