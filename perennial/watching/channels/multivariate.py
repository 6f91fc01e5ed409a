"""The multivariate channel: do the features still go together as they did? On request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.figures import counted, figure
from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.statistics.day_blocks import MIN_DAYS, RESAMPLES, drawn_days
from perennial.watching.statistics.pca import Directions, mean_error, usual_errors
from perennial.watching.thresholds import rings_for_nothing

if TYPE_CHECKING:
    import pandas as pd

    from perennial.watching.channels.channel import Watched


def multivariate(reference: Directions, inputs: pd.DataFrame, days: int, *, rate: str = "") -> Found:
    """The mean reconstruction error of a batch against that of periods of the reference with as many days.

    inputs: the batch's features. days: on which its rows happened. rate: how often an alarm has no cause,
    the end of a sentence.
    """
    known = len(reference.day_rows)
    if known < MIN_DAYS:
        return unknown(
            f"Watching features together needs an evaluation on {MIN_DAYS} days; this champion's had "
            f"{counted(known, 'day', 'days')}."
        )
    if not len(inputs):
        return unknown("The batch has no rows.")
    low, high = usual_errors(reference, drawn_days(known, days, np.random.default_rng(0)))
    error = mean_error(reference, inputs)
    outside = error > high or error < low
    words = (
        f"The features go together {'otherwise than' if outside else 'as'} in the champion's evaluation: a row's "
        f"reconstruction error is {figure(error, 4)} (usual {figure(low, 4)} to {figure(high, 4)}, from {RESAMPLES} "
        f"resampled periods of {counted(days, 'day', 'days')}) on {counted(len(inputs), 'row', 'rows')}"
        f"{f'. Outside is an alarm{rate}' if rate else ''}."
    )
    return Found(error, high if error >= low else low, outside, not outside, words)


@dataclass(frozen=True)
class Multivariate:
    """The channel."""

    name: str = "multivariate"
    question: str = "Do the features still go together as they did?"
    statistic: str = (
        "mean reconstruction error of a principal component analysis (NannyML), outside the 99 % range of periods "
        "of resampled days"
    )
    unit: str = "standard deviations"
    blind_to: str = "changes along the main directions; which feature it is, and whether it matters"
    may_retrain: bool = False
    severity: Severity = "info"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """Every accepted row of the batch."""
        statistics = on.statistics
        reference = statistics.directions if statistics else None
        if statistics is None or reference is None:
            return unknown("The features together are unknown: no evaluation of this champion is stored.")
        days = statistics.days.days.size
        rate = rings_for_nothing(on.calibration, self.name) if on.calibration else ""
        return multivariate(reference, statistics.features.inputs(on.rows).whole, days, rate=rate)


CHANNEL = Multivariate()
