"""How a model treats groups of persons, as decisions store and show it: counts, rates and standard errors, no rows."""

from __future__ import annotations

from typing import Literal

from perennial.evaluation.results import Result, left_out_if_none

BiasVerdict = Literal["difference_proven", "not_proven", "cannot_be_checked", "unknown"]
Worse = Literal["lower", "higher", "either"]
SELECTION_RATE, REPRESENTATION, CALIBRATION, LOSS = "selection_rate", "representation", "calibration", "loss"
TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE = "true_positive_rate", "false_positive_rate"
FALSE_NEGATIVE_RATE = "false_negative_rate"
RATES = (SELECTION_RATE, TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE, FALSE_NEGATIVE_RATE)
"""Shares of persons, who are selected or not."""


class GroupMeasure(Result):
    """One measure of a group beside that of all others together.

    rows: of the group, that the measure is taken over; clusters: in how many clusters they are.
    change: for the selection rate and rates with a limit the ratio of both, otherwise the group's value less the
    others'.
    harm: the change to detect: a ratio, or the size of a difference. smallest: the change nearest to equality that
    would most likely have been detected; None if none would be. p_value: adjusted by Holm over all groups, and over
    all measures that hold a release.
    own_se: by the group's clusters alone, of the logarithm of a ratio, or of a difference; variance_ratio: see
    `perennial.evaluation.slices`.
    verdict: a difference is proven; not proven, though `harm` would most likely have been detected or is outside the
    interval; cannot be checked otherwise; or unknown, with a note.
    limit, worse: of a measure that holds a release, besides the selection rate: the change that is accepted, and on
    which side of it a group is treated worse. live: the live model's change on the same rows.
    value_low, value_high: the 95 % interval of a rate itself.
    """

    name: str
    rows: int
    clusters: int
    value: float | None = None
    others: float | None = None
    change: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    harm: float | None = None
    smallest: float | None = None
    verdict: BiasVerdict = "unknown"
    note: str = ""
    own_se: float | None = None
    variance_ratio: float | None = None
    limit: float | None = None
    worse: Worse | None = None
    live: float | None = None
    value_low: float | None = None
    value_high: float | None = None

    _without_none = left_out_if_none("limit", "worse", "live", "value_low", "value_high")

    @property
    def is_ratio(self) -> bool:
        """Whether `change` is a ratio."""
        return self.name == SELECTION_RATE or (self.name in RATES and self.limit is not None)


class GroupBias(Result):
    """One group. share: of the rows whose group is known. note: why it has no measures.

    scores: how many of its predictions are in each tenth of all predictions, the lowest first. of_highest: its
    selection rate over the highest of its column, which the four-fifths rule looks at. impact_ratio: the same over the
    groups that are not left out, as New York City's rules compute it; None if it is left out itself. live_ratio: the
    live model's selection rate ratio on the same rows.
    """

    value: str
    rows: int
    clusters: int
    share: float
    measures: tuple[GroupMeasure, ...] = ()
    scores: tuple[int, ...] = ()
    of_highest: float | None = None
    impact_ratio: float | None = None
    live_ratio: float | None = None
    note: str = ""

    def live_change(self, each: GroupMeasure) -> float | None:
        """The live model's change of a gated measure on the same rows; None if it is unknown or no model is live."""
        return self.live_ratio if each.name == SELECTION_RATE else each.live

    def measure(self, name: str) -> GroupMeasure | None:
        """The measure with that name; None if the group has none."""
        return next((each for each in self.measures if each.name == name), None)


class ColumnBias(Result):
    """The groups of a column, or of several together. unknown_rows: whose value is missing."""

    by: str
    unknown_rows: int
    groups: tuple[GroupBias, ...]


class Bias(Result):
    """How the groups are treated by the models that a release would make live.

    selected: which predictions count as selected, in words. ratio: the selection rate ratio that must not be proven
    lower. gate: whether that holds a release. gated: the measures that do, None if only the selection rate does.
    training: the representation of the groups among the challenger's training rows, with the groups as they were
    declared when it was trained; None if no population was.
    """

    selected: str
    ratio: float
    gate: bool
    columns: tuple[ColumnBias, ...]
    gated: tuple[str, ...] | None = None
    training: tuple[ColumnBias, ...] | None = None

    _without_none = left_out_if_none("gated", "training")

    @property
    def gates(self) -> tuple[str, ...]:
        """The measures that hold a release, if the gate is on."""
        return self.gated or (SELECTION_RATE,)

    @property
    def groups(self) -> tuple[tuple[ColumnBias, GroupBias], ...]:
        """Every group with its column."""
        return tuple((column, group) for column in self.columns for group in column.groups)
