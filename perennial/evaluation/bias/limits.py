"""Which measures hold a release, and how far from equality each of them may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perennial.evaluation.bias.results import (
    CALIBRATION,
    FALSE_NEGATIVE_RATE,
    LOSS,
    RATES,
    SELECTION_RATE,
    Bias,
    GroupMeasure,
    Worse,
)
from perennial.evaluation.figures import change, figure, percent

HARM = 0.4
"""A difference of this share of the value of all rows is to be detected."""
HARM_OF_RATIO = 0.75
"""A ratio of this share of the declared one is to be detected: .6 of .8."""


@dataclass(frozen=True)
class Limits:
    """ratio: the lowest accepted one. gated: the names of the measures that hold a release.

    A gated rate is compared by its ratio, which must not be proven to be under `ratio`; a rate of errors that are to
    a group's disadvantage, not over 1/`ratio`. A gated calibration or loss must not be proven to differ by more than
    1 − `ratio` of the value of all rows. All other measures are tested against no difference.
    """

    ratio: float
    gated: Sequence[str]

    def gates(self, name: str) -> bool:
        """Whether a measure holds a release."""
        return name in self.gated

    def by_ratio(self, name: str) -> bool:
        """Whether a group's value is divided by that of the others, rather than compared by the difference."""
        return name == SELECTION_RATE or (name in RATES and self.gates(name))

    def of_ratio(self, name: str, change: float) -> dict[str, Any]:
        """The change of a rate, with what is to be detected."""
        if name == FALSE_NEGATIVE_RATE:
            return {
                "change": change,
                "harm": 1 / (HARM_OF_RATIO * self.ratio),
                "limit": 1 / self.ratio,
                "worse": "higher",
            }
        known = {"change": change, "harm": HARM_OF_RATIO * self.ratio}
        return known if name == SELECTION_RATE else {**known, "limit": self.ratio, "worse": "lower"}

    def of_difference(
        self, name: str, change: float, of: float, better: Literal["lower", "higher"] = "lower"
    ) -> dict[str, Any]:
        """The change of any other measure, with what is to be detected. of: the value that it is a share of."""
        if not self.gates(name):
            return {"change": change, "harm": HARM * of}
        worse: Worse = "either" if name != LOSS else "higher" if better == "lower" else "lower"
        share = 1 - HARM_OF_RATIO * self.ratio
        return {"change": change, "harm": share * of, "limit": (1 - self.ratio) * of, "worse": worse}


def limits_in_words(bias: Bias) -> str:
    """What holds a release if it is proven, for example `a selection rate under 0.8 of the others'`."""
    return " or ".join(_in_words(name, bias.ratio) for name in bias.gates)


def shown_change(each: GroupMeasure, value: float | None) -> str:
    """A change of the measure, or an end of its interval: a ratio as it is, a difference with its sign."""
    return figure(value, 3) if each.is_ratio else change(value)


def _in_words(name: str, ratio: float) -> str:
    words = name.replace("_", " ")
    if name == FALSE_NEGATIVE_RATE:
        return f"a {words} over {figure(1 / ratio, 3)} times the others'"
    if name == CALIBRATION:
        return f"a {words} that differs from the others' by over {percent(1 - ratio)} of the mean label"
    if name == LOSS:
        return f"a {words} that is worse than the others' by over {percent(1 - ratio)} of that of all rows"
    return f"a {words} under {figure(ratio, 2)} of the others'"
