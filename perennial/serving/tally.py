"""What a service counts. Tallies of several workers add up to that of their service."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import ceil, inf

import msgspec

SCORING = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0)
"""Upper bounds of the times, in seconds, that a model takes for one record."""
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
"""Upper bounds of the counted times."""
TENTHS = tuple(place / 10 for place in range(1, 11))
"""Upper bounds of the counted probabilities."""


class Spread(msgspec.Struct):
    """How values are spread over bounds. counts: for each bound, and of what is above the last. total: the sum."""

    bounds: tuple[float, ...]
    counts: list[int] = msgspec.field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    @property
    def n(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def below(self, share: float) -> float | None:
        """The lowest bound that at least this share of the values does not exceed; infinite above the last one.

        None without values.

        >>> spread = Spread((1.0, 2.0))
        >>> spread.below(0.5)
        >>> for value in (0.5, 0.7, 1.5):
        ...     spread.add(value)
        >>> spread.below(0.5), spread.below(0.99)
        (1.0, 2.0)
        """
        if not (n := self.n):
            return None
        needed, passed = max(1, ceil(share * n)), 0
        for bound, count in zip((*self.bounds, inf), self.counts, strict=True):
            passed += count
            if passed >= needed:
                return bound
        raise AssertionError("the counts add up to n")


Key = tuple[str, ...]


class Tally(msgspec.Struct):
    """Counts by use case, arm and a third label. since: when counting began, in seconds since 1970.

    requests: third label is the status. seconds: without a third one. predictions, scores, numbers: the release.
    unlogged: the release; predictions that were answered though they could not be logged.
    classes: the release and the most probable class. unseen, missing: the field. unseen_records: the release.
    given, scoring: by use case, model (`champion` or `candidate`) and release of a stage; what the model gave for the
    records of both arms, and its seconds for one. failures: by use case, release, and why the candidate had no score.
    candidates: whether the candidate of a use case is loaded, 1 or 0.
    answered: when the newest prediction was answered, in seconds since 1970. serving, wanted: releases by use case.
    """

    since: float
    requests: dict[Key, int] = msgspec.field(default_factory=dict)
    seconds: dict[Key, Spread] = msgspec.field(default_factory=dict)
    predictions: dict[Key, int] = msgspec.field(default_factory=dict)
    scores: dict[Key, Spread] = msgspec.field(default_factory=dict)
    numbers: dict[Key, Spread] = msgspec.field(default_factory=dict)
    classes: dict[Key, int] = msgspec.field(default_factory=dict)
    unseen: dict[Key, int] = msgspec.field(default_factory=dict)
    unseen_records: dict[Key, int] = msgspec.field(default_factory=dict)
    missing: dict[Key, int] = msgspec.field(default_factory=dict)
    answered: dict[Key, float] = msgspec.field(default_factory=dict)
    serving: dict[str, int] = msgspec.field(default_factory=dict)
    wanted: dict[str, int] = msgspec.field(default_factory=dict)
    given: dict[Key, Spread] = msgspec.field(default_factory=dict)
    scoring: dict[Key, Spread] = msgspec.field(default_factory=dict)
    failures: dict[Key, int] = msgspec.field(default_factory=dict)
    candidates: dict[str, int] = msgspec.field(default_factory=dict)
    unlogged: dict[Key, int] = msgspec.field(default_factory=dict)


_COUNTED = ("requests", "predictions", "classes", "unseen", "unseen_records", "missing", "failures", "unlogged")
_SPREAD = ("seconds", "scores", "numbers", "given", "scoring")


def count(counts: dict[Key, int], key: Key, by: int = 1) -> None:
    """Add to a count."""
    counts[key] = counts.get(key, 0) + by


def together(tallies: Iterable[Tally]) -> Tally | None:
    """The tally of workers together; None for none.

    Of releases, the oldest that a worker still serves and the newest that one should serve. A spread whose bounds are
    others (counted by another version) is left out.
    """
    whole: Tally | None = None
    for each in tallies:
        if whole is None:
            whole = msgspec.msgpack.decode(msgspec.msgpack.encode(each), type=Tally)
            continue
        whole.since = min(whole.since, each.since)
        for name in _COUNTED:
            for key, number in getattr(each, name).items():
                count(getattr(whole, name), key, number)
        for name in _SPREAD:
            for key, spread in getattr(each, name).items():
                _add(getattr(whole, name).setdefault(key, Spread(spread.bounds)), spread)
        for key, at in each.answered.items():
            whole.answered[key] = max(at, whole.answered.get(key, at))
        for usecase, number in each.serving.items():
            whole.serving[usecase] = min(number, whole.serving.get(usecase, number))
        for usecase, loaded in each.candidates.items():
            whole.candidates[usecase] = min(loaded, whole.candidates.get(usecase, loaded))
        for usecase, number in each.wanted.items():
            whole.wanted[usecase] = max(number, whole.wanted.get(usecase, number))
    return whole


def _add(to: Spread, other: Spread) -> None:
    if to.bounds == other.bounds:
        to.counts = [a + b for a, b in zip(to.counts, other.counts, strict=True)]
        to.total += other.total
