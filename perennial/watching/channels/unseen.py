"""The unseen channel: categories that training never saw, the fast alarm that needs no labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perennial.evaluation.figures import counted, percent

MIN_UNSEEN_ROWS = 5


@dataclass(frozen=True)
class UnseenFinding:
    """How many rows have a category never seen in training.

    share: of the rows, in any column; None without rows or without categorical columns.
    columns: each column's own share, those with any, the largest first.
    alarm: the share reaches the threshold, with at least `MIN_UNSEEN_ROWS` such rows.
    back: the share is below the threshold. words: the finding in a sentence.
    """

    share: float | None
    rows: int
    unseen_rows: int
    alarm: bool
    back: bool
    words: str
    columns: dict[str, float] = field(default_factory=dict)


def unseen(
    columns: Mapping[str, Sequence[object]], seen: Mapping[str, Collection[object]], *, threshold: float
) -> UnseenFinding:
    """The share of rows with at least one value that training never saw. A null is not such a value.

    columns: name to n values, one of each categorical column, with at least those of `seen`.
    seen: name to the values of the training rows. threshold: share of rows, 0 to 1.
    Raises KeyError for a column that is missing, ValueError for columns of different length.

    >>> found = unseen({"carrier": ["AA", "ZZ", None, "UA"]}, {"carrier": {"AA", "UA"}}, threshold=0.05)
    >>> found.share, found.columns, found.alarm
    (0.25, {'carrier': 0.25}, False)
    """
    masks = {name: _never_seen(columns[name], known) for name, known in seen.items()}
    if len({mask.size for mask in masks.values()}) > 1:
        raise ValueError("the columns are not equally long")
    rows = next(iter(masks.values())).size if masks else 0
    if rows == 0:
        return UnseenFinding(None, 0, 0, False, False, "No row has a category to look at.")
    unseen_rows = int(np.logical_or.reduce(list(masks.values())).sum())
    share = unseen_rows / rows
    shares = {name: float(mask.mean()) for name, mask in masks.items() if mask.any()}
    by_column = dict(sorted(shares.items(), key=lambda item: -item[1]))
    alarm = share >= threshold and unseen_rows >= MIN_UNSEEN_ROWS
    words = (
        f"{unseen_rows:,} of {counted(rows, 'row', 'rows')} ({percent(share)}) have a category never seen in training; "
        f"{percent(threshold)} is too much"
    )
    if by_column:
        words += ": " + ", ".join(f"{name} {percent(of_column)}" for name, of_column in by_column.items())
    return UnseenFinding(share, rows, unseen_rows, alarm, share < threshold, words + ".", by_column)


def _never_seen(values: Sequence[object], known: Collection[object]) -> np.ndarray:
    """Which values, shape (n,), are neither null nor known. Looks each distinct value up once."""
    learnt = set(known)
    new = {value for value in set(values) if value not in learnt and not _is_null(value)}
    return np.fromiter((value in new for value in values), dtype=bool, count=len(values))


def _is_null(value: object) -> bool:
    """None, NaN, NaT, and a missing value that refuses to be compared."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:
        return True
