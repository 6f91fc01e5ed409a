"""What is due for the use cases of a fleet, batch by batch, so that what is decided together can be ruled together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Failed:
    """A use case that could not go on. window: the batch it was at, empty where it had not come so far."""

    usecase: str
    window: str
    why: str

    def __str__(self) -> str:
        return f"{self.usecase}{f', batch {self.window}' if self.window else ''}: {self.why}"


@dataclass(frozen=True)
class FleetPlan:
    """What a fleet run does.

    rounds: batch → the use cases whose cycle it is due for, in order. idle: the use cases without a batch that is due.
    """

    rounds: Mapping[str, tuple[str, ...]]
    idle: tuple[str, ...]
    failed: tuple[Failed, ...] = ()

    @property
    def cycles(self) -> int:
        """How many cycles are due."""
        return sum(map(len, self.rounds.values()))


def plan_of(due: Mapping[str, Sequence[str]], failed: Sequence[Failed] = ()) -> FleetPlan:
    """The plan for use cases with the batches that are due for each, the oldest first.

    A round is the next batch in the order of all names; a use case never gets its batches in another order.

    >>> plan_of({"sales_b": ["2024-01", "2024-02"], "sales_a": ["2024-02"], "sales_c": []}).rounds
    {'2024-01': ('sales_b',), '2024-02': ('sales_a', 'sales_b')}
    """
    left = {name: list(windows) for name, windows in sorted(due.items())}
    rounds: dict[str, tuple[str, ...]] = {}
    while any(left.values()):
        window = min(windows[0] for windows in left.values() if windows)
        now = tuple(name for name, windows in left.items() if windows and windows[0] == window)
        rounds[window] = rounds.get(window, ()) + now
        for name in now:
            left[name].pop(0)
    return FleetPlan(rounds, tuple(name for name, windows in sorted(due.items()) if not windows), tuple(failed))


@dataclass(frozen=True)
class FleetRun:
    """What a fleet run did. cycles: use case → its batches with the outcome of each. failed: those that stopped."""

    cycles: Mapping[str, tuple[tuple[str, str], ...]]
    failed: tuple[Failed, ...]
    held: tuple[str, ...]
