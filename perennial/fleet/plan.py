"""What is due for the use cases of a fleet, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perennial.evaluation.figures import counted
from perennial.usecase.mistakes import listed


@dataclass(frozen=True)
class Failed:
    """A use case that could not go on. window: the batch it was at, empty where it had not come so far.

    step: what was being done. code: of the error.
    """

    usecase: str
    window: str
    why: str
    step: str = "look for batches"
    code: str = "failed"

    def __str__(self) -> str:
        why = self.why.removeprefix(self.window).removeprefix(": ") if self.window else self.why
        return f"{self.usecase}{f', batch {self.window}' if self.window else ''}: {why}"


def failed_in_words(failed: Sequence[Failed]) -> list[str]:
    """A line for each reason, with the use cases that it stopped.

    >>> failed_in_words([Failed("a", "2024-01", "empty"), Failed("b", "", "gone"), Failed("c", "2024-01", "empty")])
    ['a, c, batch 2024-01: empty', 'b: gone']
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for each in failed:
        alike.setdefault((each.window, each.why), []).append(each.usecase)
    return [str(Failed(listed(names), window, why)) for (window, why), names in alike.items()]


@dataclass(frozen=True)
class FleetPlan:
    """What a fleet run does.

    rounds: each a batch with the use cases whose cycle is due for it, in order. idle: those without a batch to run.
    """

    rounds: tuple[tuple[str, tuple[str, ...]], ...]
    idle: tuple[str, ...]
    failed: tuple[Failed, ...] = ()


def plan_of(due: Mapping[str, Sequence[str]], failed: Sequence[Failed] = ()) -> FleetPlan:
    """The plan for use cases with the batches that are due for each, the oldest first.

    Each gets its batches in its own order. Among the next batches of all, one comes first that is not a later batch of
    another use case, then the first by name.

    >>> plan_of({"b": ["month_2", "month_10"], "a": ["month_10"], "c": []}).rounds
    (('month_2', ('b',)), ('month_10', ('a', 'b')))
    """
    left = {name: list(windows) for name, windows in sorted(due.items()) if windows}
    rounds: list[tuple[str, tuple[str, ...]]] = []
    while left:
        later = {window for windows in left.values() for window in windows[1:]}
        window = min((windows[0] for windows in left.values()), key=lambda name: (name in later, name))
        now = tuple(name for name, windows in left.items() if windows[0] == window)
        rounds.append((window, now))
        left = {name: windows[1:] if name in now else windows for name, windows in left.items()}
        left = {name: windows for name, windows in left.items() if windows}
    idle = tuple(name for name, windows in sorted(due.items()) if not windows)
    return FleetPlan(tuple(rounds), idle, tuple(failed))


@dataclass(frozen=True)
class FleetRun:
    """What a fleet run did. cycles: use case → its batches with the outcome of each. failed: those that stopped.

    trained, released: those with a new challenger, or a new release of this run, and how many of them. by_others: use
    case → the batches that were due, and that another run went through meanwhile. labels: use case → how many label
    files this run took in; held_labels: use case → its label files that are held, whoever held them.
    """

    cycles: Mapping[str, tuple[tuple[str, str], ...]]
    failed: tuple[Failed, ...]
    held: tuple[str, ...]
    trained: Mapping[str, int]
    released: Mapping[str, int]
    by_others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    held_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def in_words(self) -> list[str]:
        """A line about label files, about the models that were trained, about the releases and about other runs, where
        there were some.

        >>> FleetRun({}, (), (), {"a": 2, "b": 1}, {"b": 1}, {"c": ("2024-01",)}).in_words()
        ['3 challengers were trained: a, b', '1 release was made: b', '1 cycle was run by another run meanwhile: c']
        """
        held = {name: len(files) for name, files in self.held_labels.items()}
        others = {name: len(windows) for name, windows in self.by_others.items()}
        of_all = [
            (self.labels, "label file was taken in", "label files were taken in"),
            (held, "label file is held", "label files are held"),
            (self.trained, "challenger was trained", "challengers were trained"),
            (self.released, "release was made", "releases were made"),
            (others, "cycle was run by another run meanwhile", "cycles were run by another run meanwhile"),
        ]
        return [f"{counted(sum(by.values()), one, many)}: {listed(list(by))}" for by, one, many in of_all if by]
