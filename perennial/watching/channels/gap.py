"""The gap channel: would a fresh model do better than the champion on the same days?

A season moves both models, so it cancels; what remains is what the champion has not learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import counted, figure, interval_in_words, percent
from perennial.evaluation.weights import relative, weighed
from perennial.ledger.entries import Day, Evidence
from perennial.store.stored_rows import PART
from perennial.watching.e_sr import DAYS_A_YEAR, spread
from perennial.watching.evidence import evidence_of_loss
from perennial.watching.gap_days import WARM_UP, Measured, gap_days
from perennial.watching.gap_statistic import BACK_FOR, RECENT, course
from perennial.watching.row_loss import row_loss
from perennial.watching.thresholds import rings_for_nothing

if TYPE_CHECKING:
    from perennial.watching.after_release import AfterRelease
    from perennial.watching.channels.channel import Severity, Watched


@dataclass(frozen=True)
class GapFinding:
    """value: the e-SR statistic in days, None until watching starts. days: those measured anew.

    gap: mean share of the champion's loss that a fresh model saves on the newest `RECENT` days, with its 95 % interval.
    """

    value: float | None
    threshold: float
    alarm: bool
    back: bool
    words: str
    days: tuple[Day, ...] = ()
    gap: tuple[float, float, float] | None = None
    evidence: Evidence | None = None
    severity: Severity | None = None


def gap_finding(
    recorded: Sequence[Day], new: Sequence[Day], *, reference: float | None, epsilon: float, threshold: float, rate: str
) -> GapFinding:
    """The finding on a champion's days so far; the newest are `new`.

    reference: the champion's loss where it was evaluated; None: its mean during the warm-up. epsilon: share of it that
    a fresh model must save. threshold: of the statistic, in days. rate: how often it is crossed without a cause.
    """
    days = (*recorded, *new)
    warm, rest = [day for day in days if day.warm_up], [day for day in days if not day.warm_up]
    unit = reference if reference else float(np.mean([day.loss for day in warm]))
    shares = np.array([day.gap for day in rest]) / unit
    sd = spread(np.array([day.gap for day in warm]) / unit)
    if not rest or not sd > 0 or not np.isfinite(unit):
        why = "no day has come since" if not rest else "a fresh model predicts the same as the champion"
        return GapFinding(None, threshold, False, False, f"The gap is unknown: {why} its warm-up.", tuple(new))
    since = course(shares, sd=sd, limit=threshold, epsilon=epsilon)
    fresh = sum(not day.warm_up for day in new)
    anew = since.opened >= len(rest) - fresh
    alarm = bool(since.open[-1] or anew.any())
    back = bool(since.back[-max(1, min(fresh, BACK_FOR)) :].all())
    m, gap = float(since.statistic[-1]), _recent(shares)
    rows, labelled = (sum(getattr(day, name) for day in rest[-RECENT:]) for name in ("rows", "labelled"))
    recent = len(shares[-RECENT:])
    over, too_few = counted(recent, "day", "days"), f"too few days for an interval ({recent})"
    words = (
        f"{'A fresh model is proven better than the champion. ' if anew.any() else ''}On the newest {over} a fresh "
        f"model loses {_less(gap[0])} ({interval_in_words(gap[1], gap[2], _less, unknown=too_few)}), with labels of "
        f"{labelled:,} of {counted(rows, 'row', 'rows')}. The statistic is {figure(m, 3)} days, an alarm needs more "
        f"than {figure(threshold, 3)}{rate}."
    )
    return GapFinding(m, threshold, alarm, back, words, tuple(new), gap)


def _less(share: float) -> str:
    """`17 % less`, or `2 % more`."""
    return f"{percent(abs(share))} {'more' if share < 0 else 'less'}"


def _recent(shares: FloatArray) -> tuple[float, float, float]:
    """The mean of the newest days with its 95 % interval, days taken as clusters; infinite for a single day."""
    from scipy import special

    recent = shares[-RECENT:]
    mean = float(recent.mean())
    if recent.size < 2:
        return mean, -np.inf, np.inf
    half = float(special.stdtrit(recent.size - 1, 0.975) * recent.std(ddof=1) / recent.size**0.5)
    return mean, mean - half, mean + half


def not_started(on: Watched, measured: Measured, threshold: float) -> GapFinding:
    """The finding during the warm-up: when watching starts, at the earliest."""
    start = date.fromisoformat(on.at.date().isoformat()) + timedelta(days=measured.missing)
    words = (
        f"Watching the gap starts on {start.isoformat()} at the earliest: it needs {WARM_UP} labelled days since the "
        f"release, and {counted(WARM_UP - measured.missing, 'day has', 'days have')} come."
    )
    return GapFinding(None, threshold, False, False, words)


@dataclass(frozen=True)
class Gap:
    """The channel."""

    name: str = "gap"
    question: str = "Would a fresh model do better on the same days?"
    statistic: str = "e-SR detector of (champion − shadow) loss by day (Shin, Ramdas & Rinaldo 2024), and its interval"
    unit: str = "days"
    blind_to: str = "what no model could predict, and changes during the first 28 labelled days after a release"
    may_retrain: bool = True
    severity: Severity = "warning"
    may_page: bool = False

    def look(self, on: Watched) -> GapFinding:
        """The labelled days since the release, by the champion and by a shadow fitted on the days before each."""
        watch = on.declaration.watch
        threshold = on.thresholds.get(self.name, DAYS_A_YEAR)
        if on.after_release is None:
            return GapFinding(None, threshold, False, False, "The gap is unknown: no rows since the release were read.")
        loss, after = row_loss(on.declaration.schema_.task, on.reference), on.after_release()
        measured = gap_days(after, on.recorded_days, on.champion.recipe, loss, on.at)
        if measured.missing:
            return not_started(on, measured, threshold)
        finding = gap_finding(
            on.recorded_days,
            measured.days,
            reference=loss.reference,
            epsilon=watch.fresh_gain,
            threshold=threshold,
            rate=rings_for_nothing(on.calibration, self.name),
        )
        if not finding.alarm:
            return finding
        columns = {name: _values(after, name, measured.positions) for name in _slices(on, after)}
        weights = None if after.weights is None else relative(after.weights[measured.positions])
        excess = weighed(measured.champion - measured.shadow, weights)
        days = after.days[measured.positions]
        return replace(finding, evidence=evidence_of_loss(columns, excess, days, loss=loss.name))


def _values(after: AfterRelease, name: str, places: np.ndarray) -> Iterator[list[object]]:
    column = after.rows[name]
    return (column.iloc[places[at : at + PART]].tolist() for at in range(0, len(places), PART))


def _slices(on: Watched, after: AfterRelease) -> list[str]:
    return [name for name in on.declaration.evaluation.slices if name in after.rows.columns]


CHANNEL = Gap()
