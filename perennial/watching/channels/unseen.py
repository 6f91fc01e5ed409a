"""The unseen channel: categories that training never saw, the fast alarm that needs no labels.

Where categories turn over (product codes, customers), a share of every batch is unseen, the larger the older the model
is. So the share is held against the one that was usual at that age in the use case's own past.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.figures import counted, percent

if TYPE_CHECKING:
    from perennial.ledger.entries import Reading
    from perennial.watching.channels.channel import Severity, Watched

MIN_UNSEEN_ROWS = 5
FEWEST_READINGS = 3
"""So many earlier batches at a like age make a share usual; before that the usual share is 0."""
LIKE_AGE = 2.0
"""Ages are alike within this factor, or within a day."""


@dataclass(frozen=True)
class UnseenFinding:
    """How many rows have a category never seen in training.

    share: of the rows, in any column; None without rows or without categorical columns.
    columns: each column's own share, those with any, the largest first.
    threshold: the share that is too much: what is tolerated above the usual one.
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
    threshold: float | None = None

    @property
    def value(self) -> float | None:
        """The share."""
        return self.share


@dataclass(frozen=True)
class Usual:
    """The share that is usual so long after training: its median, and how far batches scatter around that."""

    share: float = 0.0
    spread: float = 0.0


def usual_share(past: Sequence[Reading], age_days: float) -> Usual:
    """What earlier batches had that were as far from the training of their model as this one is.

    past: readings of this channel, of whatever model. 0 where fewer than `FEWEST_READINGS` are of a like age. A jump is
    an alarm on its first batch, and becomes usual only where most readings of that age have it. The spread is three
    standard deviations of a normal distribution with the readings' median absolute deviation.
    """
    alike = np.array([r.value for r in past if r.value is not None and _is_like(r.age_days, age_days)])
    if alike.size < FEWEST_READINGS:
        return Usual()
    middle = float(np.median(alike))
    return Usual(middle, 3 * 1.4826 * float(np.median(np.abs(alike - middle))))


def _is_like(age: float, other: float) -> bool:
    return other / LIKE_AGE <= age <= other * LIKE_AGE or abs(age - other) <= 1


NOTHING_USUAL = Usual()


def unseen(
    columns: Mapping[str, Sequence[object]],
    seen: Mapping[str, Collection[object]],
    *,
    tolerated: float,
    usual: Usual = NOTHING_USUAL,
) -> UnseenFinding:
    """The share of rows with at least one value that training never saw. A null is not such a value.

    columns: name to n values, one of each categorical column, with at least those of `seen`.
    seen: name to the values of the training rows. tolerated: share of rows above the `usual` one, 0 to 1;
    what scatters more may also be as far above it as its spread.
    Raises KeyError for a column that is missing, ValueError for columns of different length.

    >>> found = unseen({"carrier": ["AA", "ZZ", None, "UA"]}, {"carrier": {"AA", "UA"}}, tolerated=0.05)
    >>> found.share, found.columns, found.alarm
    (0.25, {'carrier': 0.25}, False)
    """
    threshold = min(1.0, usual.share + max(tolerated, usual.spread))
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
        f"{f', since {percent(usual.share)} are usual so long after training' if usual.share else ''}"
    )
    if by_column:
        words += ": " + ", ".join(f"{name} {percent(of_column)}" for name, of_column in by_column.items())
    return UnseenFinding(share, rows, unseen_rows, alarm, share < threshold, words + ".", by_column, threshold)


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


@dataclass(frozen=True)
class Unseen:
    """The channel."""

    name: str = "unseen"
    question: str = "Do rows hold categories that the model was never trained on?"
    statistic: str = "share of rows with such a value in any column, above the share usual that long after training"
    unit: str = "share of rows"
    blind_to: str = "changes of numbers, of known categories' shares, and of what a category means"
    may_retrain: bool = True
    severity: Severity = "warning"

    def look(self, on: Watched) -> UnseenFinding:
        """Every accepted row of the batch against the categories of the champion's training rows."""
        from perennial.model.predicting import text_columns

        inputs = on.champion.recipe.inputs(on.rows)
        columns = {name: inputs[name].tolist() for name in text_columns(inputs)}
        # A column that was empty in training is none of the model's inputs: its first values mislead nobody.
        seen = {name: values for name, values in on.champion.seen.items() if name in columns and values}
        usual = usual_share([reading for reading in on.past if reading.channel == self.name], on.age_days)
        return unseen(columns, seen, tolerated=on.declaration.watch.unseen_share, usual=usual)


CHANNEL = Unseen()
