"""What a stage of a release has shown so far: traffic, labels, and the value of decisions, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.judgement import Asked
from perennial.evaluation.paired import Paired

Stage = Literal["shadow", "canary"]
Feedback = Literal["none", "labels", "outcome"]
"""What the model's decision changes: nothing, which rows get a label, or the outcome itself."""


@dataclass(frozen=True)
class Traffic:
    """Counts since the stage began. Everything but the keys is a number of records.

    champion_records, candidate_records: answered in each arm; in a shadow stage the candidate's are 0.
    champion_keys, candidate_keys: distinct keys in each arm.
    champion_asked, candidate_asked: records that each model was asked to score, in whatever arm.
    both_scored: records that both models scored.
    candidate_failed: the candidate raised where the champion answered. champion_failed: the champion raised; where both
    were asked, only if the candidate answered.
    A record that is sent again counts once in both: the tests take failures for independent of each other.
    invalid: predictions of the candidate that are NaN, infinite, or not a probability.
    champion_slow, candidate_slow: predictions that took longer than `slow_ms`, which is None if no limit is declared.
    recomputed: predictions that the pipeline computed again; differing: of these, how many differ in any bit.
    Raises ValueError if a count is negative or larger than what it counts.
    """

    champion_records: int = 0
    candidate_records: int = 0
    champion_keys: int = 0
    candidate_keys: int = 0
    champion_asked: int = 0
    candidate_asked: int = 0
    both_scored: int = 0
    candidate_failed: int = 0
    champion_failed: int = 0
    invalid: int = 0
    champion_slow: int = 0
    candidate_slow: int = 0
    slow_ms: float | None = None
    recomputed: int = 0
    differing: int = 0

    def __post_init__(self) -> None:
        counts = {name: value for name, value in vars(self).items() if name != "slow_ms"}
        for name, value in counts.items():
            if value < 0:
                raise ValueError(f"{name} must be at least 0, not {value}")
        for part, whole in (
            ("champion_keys", "champion_records"),
            ("candidate_keys", "candidate_records"),
            ("both_scored", "champion_asked"),
            ("both_scored", "candidate_asked"),
            ("candidate_failed", "candidate_asked"),
            ("champion_failed", "champion_asked"),
            ("champion_slow", "champion_asked"),
            ("candidate_slow", "candidate_asked"),
            ("invalid", "candidate_asked"),
            ("differing", "recomputed"),
        ):
            if counts[part] > counts[whole]:
                raise ValueError(f"{part} is {counts[part]:,}, more than the {counts[whole]:,} of {whole}")


@dataclass(frozen=True)
class ArmLabels:
    """The labels of one arm by day, each of shape (T,).

    rows: answered on that day, and old enough to have a label. labelled: of these, with a label. label_sum: of their
    labels.
    """

    rows: IntArray
    labelled: IntArray
    label_sum: FloatArray


@dataclass(frozen=True)
class Labelled:
    """Which rows of the two arms got a label, and which, by day: the same T days in both, in time order."""

    champion: ArmLabels
    candidate: ArmLabels

    def __post_init__(self) -> None:
        arms = (self.champion, self.candidate)
        shapes = {each.shape for arm in arms for each in (arm.rows, arm.labelled, arm.label_sum)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError("rows, labels and their sums must be one number per day, for the same days in both arms")
        if any((arm.labelled > arm.rows).any() or (arm.labelled < 0).any() for arm in arms):
            raise ValueError("a day has more labels than rows")


@dataclass(frozen=True)
class Values:
    """What each key was worth, in the declared unit: one number per key.

    value: shape (n,). candidate: shape (n,), whether the key belongs to the candidate's arm. clusters: shape (n,), each
    key's cluster, numbered 0..T−1, for days in time order (of the key's first request). cluster_by: `day`, `week` or a
    column.
    """

    value: FloatArray
    candidate: npt.NDArray[np.bool_]
    clusters: IntArray
    cluster_by: str = "day"

    def __post_init__(self) -> None:
        if not (len(self.value.shape) == 1 and self.value.shape == self.candidate.shape == self.clusters.shape):
            raise ValueError("value, arm and cluster must be one of each per key")
        if not np.isfinite(self.value).all():
            raise ValueError("a key's value is missing or infinite; leave out keys whose value is not known yet")


@dataclass(frozen=True)
class Scores:
    """How many predictions of each model fell into the same K bins, each of shape (K,). bins: what these are."""

    champion: IntArray
    candidate: IntArray
    bins: str = "equal ranges of the scores"

    def __post_init__(self) -> None:
        if not (len(self.champion.shape) == 1 and self.champion.shape == self.candidate.shape):
            raise ValueError("both models' predictions must be counted in the same bins")


@dataclass(frozen=True)
class Evidence:
    """All that one look at a stage is computed from.

    share: of the traffic that the candidate's arm was declared to get, 0 to 1; 0 in a shadow stage.
    planned_days: the stage's length. elapsed_days: since it began, by the use case's clock.
    looks: the shares of the information at the earlier planned looks, ascending: `Look.information` of the stage's
    earlier looks where that is not None.
    pairs: rows that both models scored and whose label is known, by day (or the declared clusters); metrics: the
    declared primary metric and guards. values: for `feedback` labels and outcome.
    labelled, values: None if the stage has only one arm or nothing is known yet. scores: for information; None if not
    counted.
    """

    stage: Stage
    share: float
    feedback: Feedback
    planned_days: float
    elapsed_days: float
    traffic: Traffic
    looks: tuple[float, ...] = ()
    labelled: Labelled | None = None
    pairs: Paired | None = None
    metrics: tuple[Asked, ...] = field(default=())
    values: Values | None = None
    scores: Scores | None = None

    def __post_init__(self) -> None:
        if self.stage == "canary" and not 0 < self.share < 1:
            raise ValueError(f"the share of a canary must be above 0 and below 1, not {self.share}")
        if self.planned_days <= 0 or self.elapsed_days < 0:
            raise ValueError("a stage lasts longer than 0 days, and at least 0 of them have passed")

    @property
    def is_over(self) -> bool:
        """Whether the planned time has passed."""
        return self.elapsed_days >= self.planned_days
