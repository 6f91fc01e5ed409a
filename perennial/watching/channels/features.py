"""The features channel: what changed in the inputs, and whether it matters for the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import IntArray
from perennial.evaluation.figures import change, counted, figure, percent
from perennial.ledger.entries.watching import FeatureMove, Severity
from perennial.usecase.built_in import derived_name
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.profile import loss_of_rows
from perennial.watching.statistics.coarse import coarse_bins, spans, summed
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.day_blocks import MIN_DAYS, thresholds
from perennial.watching.statistics.distances import jensen_shannon, psi
from perennial.watching.statistics.frames import losses_in_bins, on_grid
from perennial.watching.statistics.grid import Grid
from perennial.watching.statistics.terms import BinLoss, terms
from perennial.watching.thresholds import rings_for_nothing

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched

LEAST = 0.1
"""A smaller PSI is no alarm, however unusual, because it changes little."""
NAMED = 3
MOST = 10
"""How many features the ledger keeps of a batch."""


@dataclass(frozen=True)
class FeatureChange:
    """How far one feature is from the champion's training rows.

    psi, distance: population stability index and Jensen–Shannon distance. threshold: the PSI needed for an alarm.
    missing, missing_then: shares of missing values. moved: the bin that contributes most, with its shares then and now.
    mix, concept: parts of the change of the loss, see `statistics.terms`; None if unknown.
    """

    name: str
    psi: float
    distance: float
    threshold: float
    missing: float
    missing_then: float
    moved: str
    share_then: float
    share_now: float
    mix: float | None = None
    concept: float | None = None

    @property
    def alarm(self) -> bool:
        """Whether the PSI is above its threshold."""
        return self.psi > self.threshold


def feature_changes(
    trained: Mapping[str, Counts],
    now: Mapping[str, Counts],
    grids: Mapping[str, Grid],
    losses: Mapping[str, BinLoss],
    losses_now: Mapping[str, BinLoss],
) -> list[FeatureChange] | None:
    """The change of each feature, the largest compared with its threshold first; None below `MIN_DAYS` trained days.

    trained, now: counts of the training rows and of the batch. losses, losses_now: rows and loss in the fine bins, of
    the champion's evaluation and of labelled rows now; features that these lack have no terms.
    """
    names = [name for name in now if name in trained and name in grids]
    bins = {name: coarse_bins(on_grid(trained[name], grids[name]).total, grids[name]) for name in names}
    of_days = [summed(on_grid(trained[name], grids[name]).counts, bins[name]) for name in names]
    limits = thresholds(of_days, max((now[name].days.size for name in names), default=0))
    if limits is None:
        return None
    changes = []
    for name, reference, limit in zip(names, of_days, limits, strict=True):
        then, coarse = reference.sum(axis=0), summed(on_grid(now[name], grids[name]).total, bins[name])
        if then.sum() and coarse.sum():
            mix, concept = _terms(losses.get(name), coarse, losses_now.get(name), bins[name])
            words, needed = spans(bins[name], grids[name]), max(float(limit), LEAST)
            changes.append(_change(name, then, coarse, needed, words, mix, concept))
    return sorted(changes, key=lambda each: -each.psi / each.threshold)


def _terms(
    then: BinLoss | None, rows: IntArray, now: BinLoss | None, bins: IntArray
) -> tuple[float | None, float | None]:
    if then is None or then.rows.size != bins.size:
        return None, None
    split = terms(_coarse_loss(then, bins), rows, None if now is None else _coarse_loss(now, bins))
    if split is None:
        return None, None
    return float(split.mix.sum()), None if split.concept is None else float(split.concept.sum())


def _coarse_loss(fine: BinLoss, bins: IntArray) -> BinLoss:
    many = int(bins.max()) + 1
    loss = np.bincount(bins, weights=fine.loss, minlength=many).astype(np.float64)
    return BinLoss(summed(fine.rows, bins), loss)


def _change(
    name: str,
    then: IntArray,
    now: IntArray,
    threshold: float,
    words: Sequence[str],
    mix: float | None,
    concept: float | None,
) -> FeatureChange:
    p, q = (then + 0.5) / (then + 0.5).sum(), (now + 0.5) / (now + 0.5).sum()
    most = int(np.argmax((q - p) * np.log(q / p)))
    return FeatureChange(
        name,
        psi(then, now),
        jensen_shannon(then, now),
        threshold,
        float(now[-1] / now.sum()),
        float(then[-1] / then.sum()),
        words[most],
        float(then[most] / then.sum()),
        float(now[most] / now.sum()),
        mix,
        concept,
    )


@dataclass(frozen=True)
class FeaturesFinding(Found):
    """value, threshold: of the feature that is the most above its threshold. changes: of all features, it first."""

    changes: tuple[FeatureChange, ...] = ()

    @property
    def moves(self) -> tuple[FeatureMove, ...]:
        """The `MOST` features that moved most."""
        return tuple(
            FeatureMove(name=each.name, psi=each.psi, threshold=each.threshold, mix=each.mix, concept=each.concept)
            for each in self.changes[:MOST]
        )


def not_compared(time: str) -> str:
    """The feature that differs from a year's by construction: the month of the rows."""
    return derived_name(f"month_of:{time}")


def features_finding(
    changes: Sequence[FeatureChange], metric: str, labelled: int, *, rate: str = ""
) -> FeaturesFinding:
    """The finding. metric: in whose unit the terms are. labelled: rows with a label that the concept terms stand on.
    rate: how often an alarm has no cause, the end of a sentence.
    """
    if not changes:
        return FeaturesFinding(None, None, False, False, "There is no feature to compare.")
    above = [each for each in changes if each.alarm]
    first = changes[0]
    words = (
        f"{len(above)} of {counted(len(changes), 'feature', 'features')} "
        f"{'is' if len(above) == 1 else 'are'} further from the training rows than an ordinary period"
    )
    named = above[:NAMED] or [first]
    parts = "; ".join(_in_words(each, metric, labelled) for each in named)
    rest = f"; also {', '.join(each.name for each in above[NAMED:])}" if len(above) > NAMED else ""
    words = f"{words}: {parts}{rest}." if above else f"{words}. The closest to its limit: {parts}."
    words += f" One feature beyond its limit is an alarm{rate}." if rate else ""
    return FeaturesFinding(first.psi, first.threshold, bool(above), not above, words, changes=tuple(changes))


def _in_words(each: FeatureChange, metric: str, labelled: int) -> str:
    words = (
        f"{each.name} (PSI {figure(each.psi, 3)}, limit {figure(each.threshold, 3)}; {each.moved}: "
        f"{percent(each.share_then)} → {percent(each.share_now)}"
    )
    if each.mix is not None:
        words += f"; expected {metric} {change(each.mix)} by this change"
    if each.concept is not None:
        words += f", {change(each.concept)} on the same values ({counted(labelled, 'labelled row', 'labelled rows')})"
    return words + ")"


@dataclass(frozen=True)
class Features:
    """The channel."""

    name: str = "features"
    question: str = "What changed in the inputs, and does it matter?"
    statistic: str = (
        "PSI of each feature against the champion's training rows, above 0.1 and above the 97.5 % quantile of "
        "resampled blocks of days; mix and concept terms of the loss (Kitagawa 1955)"
    )
    unit: str = "PSI"
    blind_to: str = (
        "changes of the relation between inputs and target, and of features together; a season looks like a change"
    )
    may_retrain: bool = False
    severity: Severity = "info"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        """The batch's counts against those of the champion's training rows; no row of earlier batches is read."""
        statistics = on.statistics
        if statistics is None or statistics.trained is None:
            return unknown("The features are unknown: the champion's training rows were not counted.")
        trained, by_calendar = statistics.trained, not_compared(on.declaration.schema_.time)
        now = {name: counts for name, counts in statistics.now.items() if name != by_calendar}
        evaluated = statistics.evaluated
        grids = statistics.features.grids
        loss = loss_of_rows(on.metric, on.labels, on.predicted)
        changes = feature_changes(
            trained,
            now,
            grids,
            evaluated.losses if evaluated else {},
            {} if loss is None else losses_in_bins(statistics.features.inputs(on.labelled), loss, grids),
        )
        if changes is None:
            days = max((each.days.size for each in trained.values()), default=0)
            return unknown(
                f"Watching features starts with a champion trained on {MIN_DAYS} days of rows; this one was trained on "
                f"{counted(days, 'day', 'days')}."
            )
        rate = rings_for_nothing(on.calibration, self.name) if on.calibration else ""
        return features_finding(changes, on.metric.name, len(on.labelled), rate=rate)


CHANNEL = Features()
