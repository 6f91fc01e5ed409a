"""Watches a life with the channels that watch in the live loop: which alarms of the loss it would have had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

import numpy as np

from perennial.backtest.alarms import Alarms
from perennial.backtest.stream import Mixture, Stream
from perennial.clock import instant
from perennial.deciding.evaluation_rows import WATCHED
from perennial.evaluation.arrays import IntArray
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import relative
from perennial.ledger.entries import Calibration, Episode, EpisodeClosed, EpisodeRose, Health, Reference
from perennial.watching.after_release import WITHIN, AfterRelease
from perennial.watching.calibration import calibration
from perennial.watching.channels.channel import Watched
from perennial.watching.channels.measured import reference_of
from perennial.watching.episodes import OpenEpisode
from perennial.watching.health import episode_rows, health, look, severity_of
from perennial.watching.past import past_of

if TYPE_CHECKING:
    from perennial.features.recipe import Recipe
    from perennial.model.artifact import Fitted


@dataclass(frozen=True)
class Evaluated:
    """What is live since a moment, the places of the rows that it was evaluated on, and which release it is, from 1."""

    mixture: Mixture
    since: int
    places: IntArray
    release_no: int


@dataclass
class Course:
    """What was watched so far in a life. moments: of the open episodes, by id. newest: calibration."""

    past: list[Health] = field(default_factory=list)
    open_now: list[OpenEpisode] = field(default_factory=list)
    moments: dict[str, int] = field(default_factory=dict)
    newest: Calibration | None = None

    @property
    def opened(self) -> int | None:
        """The moment at which the newest open episode was opened; None without one."""
        return max((self.moments[each.episode.episode] for each in self.open_now), default=None)


def watch(stream: Stream, course: Course, evaluated: Evaluated, serves: Mixture, moment: int) -> None:
    """Watch what is live at a moment with each channel, and open, raise or close episodes as the live loop does.

    serves: what predicts at that moment, which under a policy that mixes is more than what was evaluated.
    """
    alarms = stream.alarms
    assert alarms is not None, "a life asks for alarms only where there are some"
    reference = _reference(stream, evaluated)
    if reference is None:
        return
    on = _watched(stream, alarms, course, evaluated, serves, reference, moment)
    findings, batch = look(on), alarms.batches[moment]
    for row in episode_rows(
        findings,
        course.open_now,
        batch,
        course.past,
        release_no=evaluated.release_no,
        since_release=evaluated.release_no,
    ):
        _commit(course, row, moment)
    course.past.append(health(alarms.declaration.name, batch, on, findings, course.open_now, retrain=False))


def _commit(course: Course, row: Episode | EpisodeRose | EpisodeClosed, moment: int) -> None:
    if isinstance(row, Episode):
        course.moments[row.episode] = moment
        course.open_now.append(OpenEpisode(row, row.severity or severity_of(row.channel)))
    elif isinstance(row, EpisodeClosed):
        course.open_now = [each for each in course.open_now if each.episode.episode != row.episode]
    else:
        course.open_now = [
            replace(each, severity=row.severity) if each.episode.episode == row.episode else each
            for each in course.open_now
        ]


def _reference(stream: Stream, evaluated: Evaluated) -> Reference | None:
    """The loss of what is live on the rows that it was evaluated on."""
    places, asked = evaluated.places, stream.metrics(evaluated.places)[0]
    return reference_of(
        asked.metric or load_metric(asked.name),
        stream.labels[places],
        stream.predicted(evaluated.mixture, places),
        _clusters(stream, places),
    )


def _watched(
    stream: Stream,
    alarms: Alarms,
    course: Course,
    evaluated: Evaluated,
    serves: Mixture,
    reference: Reference,
    moment: int,
) -> Watched:
    """As `tasks.health` makes it from the stores."""
    at, since = alarms.at(moment), alarms.at(evaluated.since)
    trained = alarms.at(max(model.moment for model, _ in evaluated.mixture))
    past = past_of(course.past)
    recorded = past.days_since(since)
    places = _places_to_watch(stream, alarms, evaluated, moment)
    asked = stream.metrics(places)[0]
    _calibrate(alarms, course, evaluated, reference, at)
    return Watched(
        declaration=alarms.watched,
        champion=cast("Fitted", _Champion(alarms.recipe)),
        rows=alarms.rows.iloc[stream.arrivals(moment)],
        labelled=alarms.rows.iloc[places].reset_index(drop=True),
        labels=stream.labels[places],
        predicted=stream.predicted(serves, places),
        clusters=_clusters(stream, places),
        reference=reference,
        metric=asked.metric or load_metric(asked.name),
        age_days=(at - trained).total_seconds() / 86400,
        past=past.readings,
        at=at,
        recorded_days=recorded,
        all_days=past.days,
        evaluated=(trained, since),
        after_release=lambda: _after_release(stream, alarms, evaluated, recorded[-1].day if recorded else None, moment),
        calibration=course.newest,
        episodes={each.episode.channel: instant(each.episode.opened_at) for each in _of(course, evaluated)},
    )


@dataclass(frozen=True)
class _Champion:
    """All that the channels of the loss ask of a model besides its predictions."""

    recipe: Recipe


def _of(course: Course, evaluated: Evaluated) -> list[OpenEpisode]:
    return [each for each in course.open_now if each.episode.release_no >= evaluated.release_no]


def _places_to_watch(stream: Stream, alarms: Alarms, evaluated: Evaluated, moment: int) -> IntArray:
    """As `rows_to_watch`: labels that are new since the batch before, or of the newest weeks, in key order."""
    earlier = [alarms.at(moment) - WATCHED, *([alarms.at(moment - 1)] if moment else [])]
    after = np.datetime64(max(alarms.at(evaluated.since), min(earlier)).replace(tzinfo=None), "us")
    return _in_order(alarms, (stream.moment <= moment) & (alarms.known > after))


def _after_release(
    stream: Stream, alarms: Alarms, evaluated: Evaluated, recorded: str | None, moment: int
) -> AfterRelease:
    """The rows whose label became known since the release. recorded: the newest measured day."""
    new = (stream.moment > evaluated.since) & (stream.arrived <= moment)
    if recorded is not None:
        new &= alarms.days >= np.datetime64(recorded) - np.timedelta64(WITHIN.days, "D")
    places = _in_order(alarms, new & (stream.moment <= moment))
    distinct, counts = np.unique(alarms.days[new], return_counts=True)
    return AfterRelease(
        rows=alarms.rows.iloc[places].reset_index(drop=True),
        days=alarms.days[places],
        known=alarms.known[places],
        labels=stream.labels[places],
        predicted=stream.predicted(evaluated.mixture, places),
        rows_of_day=dict(zip(distinct, counts.tolist(), strict=True)),
        timezone=alarms.declaration.schema_.timezone,
        weights=stream.weights_of(places),
    )


def _in_order(alarms: Alarms, chosen: np.ndarray) -> IntArray:
    return alarms.order[chosen[alarms.order]]


def _clusters(stream: Stream, places: IntArray) -> Clusters:
    codes, second = stream.clusters_of(places)
    return Clusters(codes, stream.cluster_by, second, relative(stream.weights_of(places)))


def _calibrate(alarms: Alarms, course: Course, evaluated: Evaluated, reference: Reference, at: datetime) -> None:
    """Measure the thresholds anew on the first batch of what is live if there are days to measure on."""
    known = course.newest is not None and course.newest.release_no >= evaluated.release_no
    if known or not _measured(course.past):
        return
    course.newest = calibration(
        alarms.declaration,
        course.past,
        release_no=evaluated.release_no,
        as_of=at,
        reference_days=reference.clusters,
    )


def _measured(past: Sequence[Health]) -> bool:
    return any(reading.days for each in past for reading in each.readings)
