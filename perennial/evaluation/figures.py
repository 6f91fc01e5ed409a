"""Numbers formatted for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.evaluation.results import Estimate

NO_INTERVAL = "no 95 % interval"
UNITS = {"day": ("day", "days"), "week": ("week", "weeks")}


def figure(value: float | None, digits: int = 5) -> str:
    """A number with `digits` significant digits, without an exponent if that is short enough; – for None.

    >>> figure(0.389321234), figure(-0.00080214, 3), figure(31234.5), figure(None)
    ('0.38932', '-0.000802', '31,234', '–')
    """
    if value is None:
        return "–"
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    decimals = digits - 1 - floor(log10(abs(value)))
    if decimals > digits + 4:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(decimals, 0)}f}"


def change(value: float | None, digits: int = 3) -> str:
    """A gain, with its sign and `digits` significant digits.

    >>> change(0.00080214), change(-0.2), change(0.0)
    ('+0.000802', '-0.200', '0')
    """
    return "+" + figure(value, digits) if value is not None and value > 0 else figure(value, digits)


def between(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval of changes, with `digits` significant digits.

    >>> between(0.0001, 0.0015), between(None, None)
    ('+0.000100 to +0.00150', '–')
    """
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return "–"
    return f"{change(low, digits)} to {change(high, digits)}"


def interval_in_words(
    low: float | None, high: float | None, written: Callable[[float], str] = figure, *, unknown: str = NO_INTERVAL
) -> str:
    """A 95 % interval in words; `unknown` if an end is not known or not finite. written: formats a number.

    >>> interval_in_words(0.1, 0.25), interval_in_words(None, 0.25)
    ('95 % interval 0.10000 to 0.25000', 'no 95 % interval')
    >>> interval_in_words(-float("inf"), 0.25, unknown="too few days for an interval (1)")
    'too few days for an interval (1)'
    """
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return unknown
    return f"95 % interval {written(low)} to {written(high)}"


def within(estimate: Estimate, written: Callable[[float], str]) -> str:
    """The interval in parentheses, to follow its estimate; empty if unknown. written: formats a number."""
    words = interval_in_words(estimate.ci_low, estimate.ci_high, written, unknown="")
    return f" ({words})" if words else ""


def chance(p: float | None) -> str:
    """A p-value with three decimals, or a bound if it would round to 0 or 1.

    >>> chance(0.0114), chance(1e-9), chance(0.99999)
    ('0.011', '< 0.001', '> 0.999')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"{p:.3f}"


def percent(share: float) -> str:
    """A share as a percentage of at most three significant digits.

    >>> percent(0.05), percent(0.0512), percent(0.0) , percent(1.0)
    ('5 %', '5.12 %', '0 %', '100 %')
    """
    of_hundred = share * 100
    if isfinite(share) and not isfinite(of_hundred):
        return f"{Decimal(share) * 100:.3g} %"
    return f"{of_hundred:.3g} %"


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun.

    >>> counted(1, "row", "rows"), counted(27004, "row", "rows")
    ('1 row', '27,004 rows')
    """
    return f"{number:,} {one if number == 1 else many}"


def enumerated(parts: Sequence[str]) -> str:
    """At least one part, with `and` before the last.

    >>> enumerated(["a"]), enumerated(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def ranges(numbers: Sequence[int]) -> str:
    """Ascending whole numbers, with consecutive ones written as a range.

    >>> ranges([2, 3, 4, 9]), ranges([])
    ('2–4, 9', '–')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs) or "–"


def clusters_in_words(clusters: int, cluster_by: str) -> str:
    """A number of clusters with their unit.

    >>> clusters_in_words(28, "day"), clusters_in_words(3, "site")
    ('28 days', '3 clusters of site')
    """
    if cluster_by in UNITS:
        return counted(clusters, *UNITS[cluster_by])
    return f"{counted(clusters, 'cluster', 'clusters')} of {cluster_by}"


def sample(rows: int, clusters: int, cluster_by: str) -> str:
    """The size of a sample.

    >>> sample(27004, 28, "day")
    '27,004 rows of 28 days'
    """
    return f"{counted(rows, 'row', 'rows')} of {clusters_in_words(clusters, cluster_by)}"
