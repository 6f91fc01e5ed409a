"""One of several looks at the same challenger: its error level, such that all looks together err at 5 %."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.evaluation.figures import percent
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.patience import nominal_level
from perennial.evaluation.policies.case import Case


@dataclass(frozen=True)
class Look:
    """level: a p-value below it proves the challenger better. spends: its part of the 5 %. sentence: may be empty.

    of_age: the level of the age rule.
    """

    level: float
    spends: float
    of_age: float
    sentence: str


def look_at(case: Case) -> Look:
    """Without patience, one look, in a family at its level. With patience, group-sequential bounds: `nominal_level`."""
    looks = case.looks
    if not looks:
        return Look(case.alpha, case.alpha, ALPHA, "")
    level = nominal_level(ALPHA, looks)
    spends = ALPHA * (looks[-1] - (looks[-2] if len(looks) > 1 else 0.0))
    goes_on = "it waits for more days" if looks[-1] < 1 else "its patience is over"
    return Look(
        level,
        spends,
        level,
        f"Look {len(looks)} at this challenger, {percent(looks[-1])} of its patience: proven at {percent(level)}, so "
        f"that all looks together err at {percent(ALPHA)}; where undecided, {goes_on}.",
    )
