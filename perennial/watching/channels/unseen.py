"""The unseen channel: categories that training never saw, the fast alarm that needs no labels.

If categories change over time (product codes, customers), a share of every batch is unseen, which grows with the age of
the model. The share is therefore compared with the usual one at that age in the use case's past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.figures import counted, percent
from perennial.ledger.entries import ColumnEvidence, Evidence, NewValue
from perennial.watching.thresholds import rings_for_nothing

if TYPE_CHECKING:
    from perennial.ledger.entries import Reading
    from perennial.watching.channels.channel import Severity, Watched

MIN_UNSEEN_ROWS = 5
NAMED = 5
"""How many new values of a column are named."""
PAGE_AT = 0.05
"""A page: this share of the rows above the usual one, once the usual one is known."""
FEWEST_READINGS = 3
"""This many earlier batches at a similar age define the usual share; before that it is 0."""
LIKE_AGE = 2.0
"""Ages are similar within this factor, or within a day."""


@dataclass(frozen=True)
class UnseenFinding:
    """How many rows have a category never seen in training.

    share: of the rows, in any column; None without rows or without categorical columns.
    columns: the share of each column that has any, the largest first.
    threshold: the share from which there is an alarm: the usual share plus the tolerance.
    alarm: the share reaches the threshold, with at least `MIN_UNSEEN_ROWS` such rows.
    back: the share is below the threshold. words: the finding in a sentence. severity: None, the channel's.
    """

    share: float | None
    rows: int
    unseen_rows: int
    alarm: bool
    back: bool
    words: str
    columns: dict[str, float] = field(default_factory=dict)
    threshold: float | None = None
    severity: Severity | None = None
    evidence: Evidence | None = None

    @property
    def value(self) -> float | None:
        """The share."""
        return self.share


@dataclass(frozen=True)
class Usual:
    """The usual share at some time after training: its median and how far batches scatter, if `known`."""

    share: float = 0.0
    spread: float = 0.0
    known: bool = False


def usual_share(past: Sequence[Reading], age_days: float) -> Usual:
    """The share on earlier batches that were as long after the training of their model as this one.

    past: readings of this channel, of any model. 0 if fewer than `FEWEST_READINGS` have a similar age. A jump is an
    alarm on its first batch, and becomes usual only if most readings of that age have it. The spread is three standard
    deviations of a normal distribution with the readings' median absolute deviation.
    """
    alike = np.array([r.value for r in past if r.value is not None and _is_like(r.age_days, age_days)])
    if alike.size < FEWEST_READINGS:
        return Usual()
    middle = float(np.median(alike))
    return Usual(middle, 3 * 1.4826 * float(np.median(np.abs(alike - middle))), known=True)


def _is_like(age: float, other: float) -> bool:
    return other / LIKE_AGE <= age <= other * LIKE_AGE or abs(age - other) <= 1


NOTHING_USUAL = Usual()


@dataclass
class _New:
    """rows: looked at so far. unseen: those with a new value. values: column → each new value as text, and its rows."""

    rows: int = 0
    unseen: int = 0
    values: dict[str, Counter[str]] = field(default_factory=dict)

    def look(self, columns: Mapping[str, Sequence[object]], seen: Mapping[str, Collection[object]]) -> None:
        """Add rows."""
        masks = {name: _never_seen(columns[name], known) for name, known in seen.items()}
        if len({mask.size for mask in masks.values()}) > 1:
            raise ValueError("the columns must have the same length")
        if masks:
            self.rows += next(iter(masks.values())).size
            self.unseen += int(np.logical_or.reduce(list(masks.values())).sum())
        for name, mask in masks.items():
            new = (str(columns[name][at]) for at in np.flatnonzero(mask).tolist())
            self.values.setdefault(name, Counter()).update(new)


def unseen(
    parts: Iterable[Mapping[str, Sequence[object]]],
    seen: Mapping[str, Collection[object]],
    *,
    tolerated: float,
    usual: Usual = NOTHING_USUAL,
    rate: str = "",
) -> UnseenFinding:
    """The share of rows with at least one value that training never saw. A null is not such a value.

    parts: of the rows, each with name to n values for each categorical column, including at least those of `seen`.
    seen: name to the values of the training rows. tolerated: share of rows above the `usual` one, 0 to 1;
    if the usual spread is larger than that, it is used instead. rate: how often an alarm has no cause, in words.
    Raises KeyError for a column that is missing, ValueError for columns of different length.

    >>> finding = unseen([{"carrier": ["AA", "ZZ", None, "UA"]}], {"carrier": {"AA", "UA"}}, tolerated=0.05)
    >>> finding.share, finding.columns, finding.alarm
    (0.25, {'carrier': 0.25}, False)
    """
    threshold = min(1.0, usual.share + max(tolerated, usual.spread))
    new = _New()
    for columns in parts:
        new.look(columns, seen)
    rows, unseen_rows = new.rows, new.unseen
    if rows == 0:
        return UnseenFinding(None, 0, 0, False, False, "There are no categorical values to check.")
    share = unseen_rows / rows
    shares = {name: values.total() / rows for name, values in new.values.items() if values}
    by_column = dict(sorted(shares.items(), key=lambda item: -item[1]))
    alarm = share >= threshold and unseen_rows >= MIN_UNSEEN_ROWS
    words = (
        f"{unseen_rows:,} of {counted(rows, 'row', 'rows')} ({percent(share)}) have a category never seen in training; "
        f"an alarm needs {percent(threshold)}"
        f"{f', since {percent(usual.share)} are usual this long after training' if usual.share else ''}"
    )
    words += rate
    if by_column:
        named = {name: _most_frequent(new.values[name]) for name in by_column}
        words += ": " + ", ".join(f"{name} {percent(by_column[name])}{_in_words(named[name])}" for name in by_column)
    severity: Severity | None = "page" if alarm and usual.known and share - usual.share >= PAGE_AT else None
    evidence = None
    if alarm:
        by_name = tuple(ColumnEvidence(column=name, share=by_column[name], values=named[name]) for name in by_column)
        evidence = Evidence(rows=rows, days=0, columns=by_name)
    back = share < threshold
    return UnseenFinding(share, rows, unseen_rows, alarm, back, words + ".", by_column, threshold, severity, evidence)


def _most_frequent(counts: Counter[str]) -> tuple[NewValue, ...]:
    """The new values with the most rows, at most `NAMED`; of equally frequent ones the first in alphabetical order."""
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:NAMED]
    return tuple(NewValue(value=value, rows=rows) for value, rows in most)


def _in_words(values: tuple[NewValue, ...]) -> str:
    """` ('ZZ' 312 rows, 'YY' 8)`"""
    named = [f"'{each.value}' {each.rows:,}" for each in values]
    return f" ({', '.join(named)} {'row' if values[-1].rows == 1 else 'rows'})"


def _never_seen(values: Sequence[object], known: Collection[object]) -> np.ndarray:
    """Which values, shape (n,), are neither null nor known. Looks each distinct value up once."""
    learnt = set(known)
    new = {value for value in set(values) if value not in learnt and not _is_null(value)}
    if not new:
        return np.zeros(len(values), dtype=bool)
    return np.fromiter((value in new for value in values), dtype=bool, count=len(values))


def _is_null(value: object) -> bool:
    """Whether a value is None, NaN, NaT, or a missing value that cannot be compared."""
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
    may_page: bool = True

    def look(self, on: Watched) -> UnseenFinding:
        """Every accepted row of the batch against the categories of the champion's training rows."""
        from perennial.model.predicting import text_columns
        from perennial.scoring.predicted import goes_by_row
        from perennial.watching.inputs_in_parts import Inputs

        inputs = Inputs(on.champion.recipe, on.rows, goes_by_row(on.champion))
        text = text_columns(next(iter(inputs)))
        # A column that was empty in training is not used by the model, so its first values are harmless.
        seen = {name: values for name, values in on.champion.seen.items() if name in text and values}
        parts = ({name: features[name].tolist() for name in seen} for features in inputs)
        usual = usual_share([reading for reading in on.past if reading.channel == self.name], on.age_days)
        rate = rings_for_nothing(on.calibration, self.name) if on.calibration else ""
        return unseen(parts, seen, tolerated=on.declaration.watch.unseen_share, usual=usual, rate=rate)


CHANNEL = Unseen()
