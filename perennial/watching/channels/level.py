"""The level channel: does the champion lose more than where it was evaluated?

Once a year of days was measured, "where it was evaluated" is adjusted to the season. If the newest rows are too few to
prove it, all days since the release may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import change, figure, percent, sample
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters
from perennial.evaluation.results import Interval
from perennial.evaluation.weights import weighed
from perennial.ledger.entries import Day, Evidence, LossWithInterval, Reference
from perennial.watching.channels.measured import measure
from perennial.watching.evidence import evidence_of_loss
from perennial.watching.row_loss import row_loss
from perennial.watching.season import Season, season
from perennial.watching.thresholds import rings_for_nothing

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Severity, Watched

UNKNOWN = "The level is unknown: "
"""How a finding without a level begins; the rest is why."""
ALPHA = 0.025
LONG_ALPHA = 0.01
"""Of all days since the release, which are compared beside the newest ones."""
OVER_AT = 0.5
"""An episode is over once the worsening is down to this share of its threshold."""
FEWEST_DAYS = 28
PAGE_AT, PAGE_AFTER = 2.0, timedelta(days=14)
"""A page: proven worse by twice the tolerance, and an alarm for at least two weeks."""


@dataclass(frozen=True)
class LevelFinding:
    """The champion's current level.

    loss: with its 95 % interval; None if unknown.
    worsening: how much worse than the reference, in the metric's unit; positive is worse.
    lower_bound: of the worsening, one-sided 97.5 %. threshold: the largest tolerated worsening.
    alarm: proven worse by more than that. back: worse by no more than half of it. Neither if unknown.
    words: the finding in a sentence. severity: None, the channel's.
    """

    loss: LossWithInterval | None
    worsening: float | None
    lower_bound: float | None
    threshold: float
    alarm: bool
    back: bool
    words: str
    severity: Severity | None = None
    evidence: Evidence | None = None

    @property
    def value(self) -> float | None:
        """The worsening."""
        return self.worsening


def level(
    y: FloatArray,
    predictions: FloatArray,
    clusters: Clusters,
    reference: Reference,
    *,
    metric: Metric,
    tolerance: float,
    season: Season | None = None,
    rate: str = "",
) -> LevelFinding:
    """Compare the champion's metric on a batch with its reference.

    y, predictions: shape (n,), labels and the champion's predictions of the batch's labelled rows.
    clusters: of these rows. metric: the reference's.
    tolerance: share of the reference that may be lost. season: multiplies a reference that is a loss, and adds to its
    standard error. rate: how often an alarm has no cause, the end of a sentence.
    The worsening's standard error combines both samples', with Welch–Satterthwaite degrees of freedom; an alarm
    requires its one-sided 97.5 % lower bound to be above tolerance × reference.
    """
    adjusted = _in_season(reference, metric, season)
    threshold = tolerance * abs(adjusted.value)
    measured = measure(metric, y, predictions, clusters)
    if measured.value is None or measured.interval is None:
        seen = "" if measured.value is None else f" ({reference.metric} {figure(measured.value)})"
        return LevelFinding(None, None, None, threshold, False, False, f"{UNKNOWN}{measured.why}{seen}.")
    lower_is_better = metric.direction == "lower"
    worsening = (measured.value - adjusted.value) * (1 if lower_is_better else -1)
    lower_bound = worsening - half_width(measured.interval, adjusted)
    alarm, back = lower_bound > threshold, worsening <= OVER_AT * threshold
    loss = LossWithInterval(
        value=measured.value,
        ci_low=measured.interval.ci_low,
        ci_high=measured.interval.ci_high,
        reference=reference.value,
    )
    verdict = (
        f"proven worse than where it was evaluated, by more than the {percent(tolerance)} that is tolerated"
        if alarm
        else f"within the {percent(tolerance)} that is tolerated"
        if worsening <= threshold
        else f"worse by more than the {percent(tolerance)} that is tolerated, which may be chance"
    )
    compared = f"reference {figure(reference.value)}{_season_in_words(adjusted, reference, season)}"
    words = (
        f"The champion is {verdict}: {reference.metric} {figure(measured.value)} ({compared}, worse by "
        f"{change(worsening)}, at least {change(lower_bound)}, tolerated {figure(threshold, 3)}) "
        f"on {sample(measured.rows, measured.clusters, clusters.name)}{rate}."
    )
    return LevelFinding(loss, worsening, lower_bound, threshold, alarm, back, words)


def _in_season(reference: Reference, metric: Metric, season: Season | None) -> Reference:
    """The reference, adjusted to the season if it is a loss above 0."""
    if season is None or metric.direction != "lower" or reference.value <= 0:
        return reference
    se = float(np.hypot(season.factor * reference.se, reference.value * season.se))
    return reference.model_copy(update={"value": reference.value * season.factor, "se": se})


def _season_in_words(adjusted: Reference, reference: Reference, season: Season | None) -> str:
    if season is None or adjusted is reference:
        return ""
    return f", {figure(adjusted.value)} for the season by {season.days} days of the year before"


def since_release(days: Sequence[Day], reference: Reference, *, season_known: bool) -> tuple[float, float] | None:
    """The worsening over all days since the release and its one-sided 99 % lower bound; None if it cannot be had.

    days: measured in the reference's own unit. With a known season they are of another one, so only the newest batch is
    compared. Each day counts once; neighbouring days are correlated, so the standard error is that of blocks of a week.
    """
    from scipy import special

    if season_known or len(days) < FEWEST_DAYS:
        return None
    weeks = np.array([np.mean([day.loss for day in days[at : at + 7]]) for at in range(0, len(days) - 6, 7)])
    worsening = float(weeks.mean()) - reference.value
    variance, of_reference = float(weeks.var(ddof=1)) / weeks.size, reference.se**2
    if variance + of_reference == 0:
        return worsening, worsening
    df = (variance + of_reference) ** 2 / (variance**2 / (weeks.size - 1) + of_reference**2 / reference.df)
    return worsening, worsening - float(special.stdtrit(df, 1 - LONG_ALPHA)) * (variance + of_reference) ** 0.5


def half_width(interval: Interval, reference: Reference) -> float:
    """The half-width of the worsening's two-sided 95 % interval. Source: Welch (1947), Satterthwaite (1946)."""
    from scipy import special

    variance, of_reference = interval.se**2, reference.se**2
    both = variance + of_reference
    if both == 0:
        return 0.0
    df = both**2 / (variance**2 / interval.df + of_reference**2 / reference.df)
    return float(special.stdtrit(df, 1 - ALPHA)) * both**0.5


@dataclass(frozen=True)
class Level:
    """The channel."""

    name: str = "level"
    question: str = "Does the champion lose more than where it was evaluated?"
    statistic: str = "loss of the newest labelled rows less the reference, one-sided 97.5 % bound (Welch 1947)"
    unit: str = "the reference metric's"
    blind_to: str = "losses small beside the noise of batch or reference; and seasons, which look like decay"
    may_retrain: bool = True
    severity: Severity = "warning"
    may_page: bool = True

    def look(self, on: Watched) -> LevelFinding:
        """The live model on the labelled rows, compared with the champion's reference in that season."""
        tolerance = on.thresholds.get(self.name, on.declaration.watch.tolerance)
        rate = rings_for_nothing(on.calibration, self.name) if on.calibration else ""
        at_the_time = _season(on)
        newest = level(
            on.labels,
            on.predicted,
            on.clusters,
            on.reference,
            metric=on.metric,
            tolerance=tolerance,
            season=at_the_time,
            rate=rate,
        )
        finding = _with_all_days(newest, on, tolerance, at_the_time)
        if not finding.alarm:
            return finding
        return replace(finding, severity=_severity(finding, on), evidence=_evidence(on))


def _season(on: Watched) -> Season | None:
    """None unless days of a year ago were measured, or if the metric is not the mean that days are measured in."""
    loss = row_loss(on.declaration.schema_.task, on.reference)
    if on.evaluated is None or not on.all_days or loss.name != on.metric.name or not len(on.labelled):
        return None
    times = on.labelled[on.declaration.schema_.time]
    now = (times.min().date(), times.max().date())
    return season(on.all_days, now, (on.evaluated[0].date(), on.evaluated[1].date()))


def _with_all_days(newest: LevelFinding, on: Watched, tolerance: float, at_the_time: Season | None) -> LevelFinding:
    """The finding, with an alarm if the newest rows prove none but all days since the release do."""
    loss = row_loss(on.declaration.schema_.task, on.reference)
    if newest.alarm or loss.reference is None or loss.name != on.metric.name:
        return newest
    whole = since_release(on.recorded_days, on.reference, season_known=at_the_time is not None)
    if whole is None:
        return newest
    worsening, lower_bound = whole
    threshold = tolerance * abs(on.reference.value)
    if lower_bound <= threshold:
        return newest if worsening <= threshold or not newest.back else replace(newest, back=False)
    words = (
        f"{newest.words} Over all {len(on.recorded_days)} labelled days since the release it is proven worse by more "
        f"than the tolerance: by {change(worsening)}, at least {change(lower_bound)} (one-sided at 99 %)."
    )
    return replace(
        newest, worsening=worsening, lower_bound=lower_bound, threshold=threshold, alarm=True, back=False, words=words
    )


def _severity(finding: LevelFinding, on: Watched) -> Severity:
    """A page if the loss is both large and lasting, else a warning."""
    large = finding.lower_bound is not None and finding.lower_bound > PAGE_AT * finding.threshold
    return "page" if large and on.alarm_for(CHANNEL.name) >= PAGE_AFTER else "warning"


def _evidence(on: Watched) -> Evidence | None:
    """Each row's loss beyond the reference, by slice; None for a metric that is no mean over rows."""
    from perennial.store.stored_rows import parts_of, together  # here: the store loads pandas, the rule does without

    loss = row_loss(on.declaration.schema_.task, on.reference)
    if loss.reference is None:
        return None
    excess = weighed(loss.of(on.labels, on.predicted) - loss.reference, on.clusters.weights)
    slices, time = on.declaration.evaluation.slices, on.declaration.schema_.time
    columns = {name: _values(on, name) for name in slices if name in on.labelled}
    of_parts = (part[time].dt.tz_localize(None).to_numpy() for part in parts_of(on.labelled, [time]))
    days = together(on.labelled, (times.astype("datetime64[D]") for times in of_parts))
    return evidence_of_loss(columns, excess, days, loss=loss.name)


def _values(on: Watched, name: str) -> Iterator[list[object]]:
    """A column of the labelled rows, part by part."""
    from perennial.store.stored_rows import parts_of  # here: see `_evidence`

    return (part[name].tolist() for part in parts_of(on.labelled, [name]))


CHANNEL = Level()
