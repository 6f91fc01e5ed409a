"""The predictions channel: does the champion predict other numbers than where it was evaluated? It needs no label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import counted, figure, percent
from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.features import FeatureChange, feature_changes
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.profile import Evaluated, score_columns
from perennial.watching.statistics.counting import RowDays, count_numbers
from perennial.watching.statistics.day_blocks import MIN_DAYS
from perennial.watching.thresholds import rings_for_nothing

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched


def score_changes(
    evaluated: Evaluated, predicted: FloatArray, days: RowDays, classes: tuple[str | int, ...]
) -> list[FeatureChange] | None:
    """The change of each score, the largest compared with its threshold first; None below `MIN_DAYS` evaluated days.

    predicted: shape (n,) or (n, K), of the batch's rows. days: of the same rows.
    """
    then = {name: each.counts for name, each in evaluated.scores.items()}
    grids = {name: each.grid for name, each in evaluated.scores.items()}
    columns = score_columns(predicted, classes)
    now = {name: count_numbers(columns[name], days, grid) for name, grid in grids.items() if name in columns}
    return feature_changes(then, now, grids, {}, {})


@dataclass(frozen=True)
class Predictions:
    """The channel."""

    name: str = "predictions"
    question: str = "Does the champion predict other numbers than where it was evaluated?"
    statistic: str = (
        "PSI of its predictions against those for its evaluation rows, above 0.1 and above the 97.5 % quantile of "
        "resampled blocks of days"
    )
    unit: str = "PSI"
    blind_to: str = "whether the predictions are right; a season moves them too"
    may_retrain: bool = False
    severity: Severity = "info"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """The champion's predictions for every accepted row of the batch."""
        statistics = on.statistics
        evaluated = statistics.evaluated if statistics else None
        if statistics is None or evaluated is None:
            return unknown("The predictions are unknown: no evaluation of this champion is stored.")
        changes = score_changes(evaluated, statistics.predicted, statistics.days, statistics.classes)
        if changes is None:
            return unknown(
                f"Watching predictions needs an evaluation on {MIN_DAYS} days; this champion's had "
                f"{counted(evaluated.days, 'day', 'days')}."
            )
        if not changes:
            return unknown("The batch has no rows to predict.")
        most, rate = changes[0], rings_for_nothing(on.calibration, self.name) if on.calibration else ""
        words = (
            f"The {most.name}{'s' if most.name == 'prediction' else ''} for {counted(len(on.rows), 'row', 'rows')} "
            f"{'differ more' if most.alarm else 'differ no more'} from those for the {evaluated.rows:,} rows of the "
            f"champion's evaluation than an ordinary period does (PSI {figure(most.psi, 3)}, limit "
            f"{figure(most.threshold, 3)}; {most.moved}: {percent(most.share_then)} → {percent(most.share_now)})"
            f"{f'. A larger one is an alarm{rate}' if rate else ''}."
        )
        return Found(most.psi, most.threshold, most.alarm, not most.alarm, words)


CHANNEL = Predictions()
