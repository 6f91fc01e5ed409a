"""The state of all use cases for Prometheus, computed from the ledger at each request.

The text follows Prometheus' exposition format 0.0.4. A number that is unknown has no sample; it is never 0. Names and
labels are stable: dashboards and alert rules use them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from perennial.clock import instant
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Decision, Episode, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, freezes, newest_entries, open_question
from perennial.watching.episodes import OpenEpisode
from perennial.watching.health import open_of_champion

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Measured:
    """What is measured of one use case.

    batches: the newest revision of each window. cycle: the newest; cycle_seconds: from its batch's row to its own.
    cycle_recorded: when it finished, by the machine's clock. release_days: from the live release to now, on the use
    case's clock. waits: whether a decision waits for a person. frozen: whether releases are frozen.
    open_episodes: without those about a former champion.
    """

    usecase: str
    batches: Sequence[BatchEntry]
    cycle: Cycle | None
    cycle_recorded: datetime | None
    cycle_seconds: float | None
    training_seconds: float | None
    decisions: Mapping[str, int]
    waits: bool
    frozen: bool
    release: Release | None
    release_days: float | None
    episodes: Mapping[str, int]
    open_episodes: Sequence[OpenEpisode]


def measured(ledger: Ledger, usecase: str, now: datetime | None) -> Measured:
    """The present state of a use case by its ledger. now: its time by its own clock; None if that is unknown."""
    rows = {row.payload.batch: row for row in ledger.all(usecase, BatchEntry)}
    cycles, release = ledger.all(usecase, Cycle), current_release(ledger, usecase)
    last = cycles[-1] if cycles else None
    came = rows.get(last.payload.batch) if last else None
    challengers = ledger.all(usecase, ChallengerEntry)
    began = instant(came.recorded_at) if came else None
    ended = instant(last.recorded_at) if last else None
    return Measured(
        usecase=usecase,
        batches=list(newest_entries(ledger, usecase).values()),
        cycle=last.payload if last else None,
        cycle_recorded=ended,
        cycle_seconds=(ended - began).total_seconds() if ended and began else None,
        training_seconds=challengers[-1].payload.seconds if challengers else None,
        decisions=Counter(row.payload.outcome for row in ledger.all(usecase, Decision)),
        waits=open_question(ledger, usecase) is not None,
        frozen=bool(freezes(ledger, usecase)),
        release=release,
        release_days=(now - instant(release.since)).total_seconds() / 86_400 if release and now else None,
        episodes=Counter(row.payload.channel for row in ledger.all(usecase, Episode)),
        open_episodes=open_of_champion(ledger, usecase),
    )


def metrics_text(usecases: Iterable[Measured]) -> str:
    """The exposition of these use cases."""
    cases = list(usecases)

    class Families(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from _batches(cases)
            yield from _loss(cases)
            yield from _channels(cases)
            yield from _decisions(cases)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    return generate_latest(registry).decode()


def _batches(cases: Sequence[Measured]) -> Iterator[Metric]:
    batches = GaugeMetricFamily("perennial_batches", "Batches by their newest state.", labels=["usecase", "status"])
    rows = GaugeMetricFamily(
        "perennial_rows", "Rows of the newest revision of every batch.", labels=["usecase", "outcome"]
    )
    arrived = _gauge("perennial_last_batch_timestamp_seconds", "Arrival of the newest batch, on the use case's clock.")
    finished = _gauge("perennial_last_cycle_timestamp_seconds", "End of the newest cycle, on the machine's clock.")
    took = _gauge("perennial_cycle_seconds", "From the commit of the newest cycle's batch to the cycle's end.")
    for case in cases:
        for status in ("accepted", "held"):
            batches.add_metric([case.usecase, status], sum(batch.status == status for batch in case.batches))
        for outcome in ("arrived", "accepted", "quarantined", "unlabelled"):
            rows.add_metric([case.usecase, outcome], sum(getattr(batch.rows, outcome) for batch in case.batches))
        if case.batches:
            arrived.add_metric([case.usecase], max(instant(each.arrived_at) for each in case.batches).timestamp())
        _add(finished, case, case.cycle_recorded.timestamp() if case.cycle_recorded else None)
        _add(took, case, case.cycle_seconds)
    yield from (batches, rows, arrived, finished, took)


def _loss(cases: Sequence[Measured]) -> Iterator[Metric]:
    loss = _gauge("perennial_loss", "Loss of the champion on the newest batch, in the unit of its metric.")
    low = _gauge("perennial_loss_low", "Lower bound of the loss's 95 % interval.")
    high = _gauge("perennial_loss_high", "Upper bound of the loss's 95 % interval.")
    reference = _gauge("perennial_loss_reference", "Loss of the champion where it was evaluated before its release.")
    labelled = _gauge("perennial_loss_rows", "Labelled rows that the loss is measured on.")
    for case in cases:
        health = case.cycle.health if case.cycle else None
        if health is None:
            continue
        if health.loss is not None:
            _add(loss, case, health.loss.value)
            _add(low, case, health.loss.ci_low)
            _add(high, case, health.loss.ci_high)
            _add(reference, case, health.loss.reference)
        _add(labelled, case, health.labelled_rows)
    yield from (loss, low, high, reference, labelled)


def _channels(cases: Sequence[Measured]) -> Iterator[Metric]:
    names = ["usecase", "channel"]
    statistic = GaugeMetricFamily("perennial_channel_statistic", "A channel's newest statistic.", labels=names)
    threshold = GaugeMetricFamily("perennial_channel_threshold", "Where the channel raises an alarm.", labels=names)
    begun = CounterMetricFamily("perennial_episodes", "Episodes that were opened.", labels=names)
    present = GaugeMetricFamily(
        "perennial_open_episodes", "Open episodes, without those about a former champion.", labels=[*names, "severity"]
    )
    for case in cases:
        for reading in case.cycle.health.readings if case.cycle else ():
            if reading.value is not None:
                statistic.add_metric([case.usecase, reading.channel], reading.value)
            if reading.threshold is not None:
                threshold.add_metric([case.usecase, reading.channel], reading.threshold)
        for channel, number in case.episodes.items():
            begun.add_metric([case.usecase, channel], number)
        for (channel, severity), number in Counter(
            (each.episode.channel, each.severity) for each in case.open_episodes
        ).items():
            present.add_metric([case.usecase, channel, severity], number)
    yield from (statistic, threshold, begun, present)


def _decisions(cases: Sequence[Measured]) -> Iterator[Metric]:
    decisions = CounterMetricFamily("perennial_decisions", "Decisions by outcome.", labels=["usecase", "outcome"])
    waits = _gauge("perennial_decision_waits", "1 if a decision waits for a person.")
    frozen = _gauge("perennial_releases_frozen", "1 if an episode has frozen releases and no person resumed them.")
    number = _gauge("perennial_release_number", "Number of the live release.")
    age = _gauge("perennial_release_age_days", "Days since the live release was made, on the use case's clock.")
    candidate = GaugeMetricFamily(
        "perennial_candidate", "1 for the model version that is in a stage.", labels=["usecase", "version", "stage"]
    )
    trained = _gauge("perennial_training_seconds", "Seconds that the newest challenger's fit took.")
    for case in cases:
        for outcome, count in sorted(case.decisions.items()):
            decisions.add_metric([case.usecase, outcome], count)
        _add(waits, case, case.waits)
        _add(frozen, case, case.frozen)
        _add(number, case, case.release.release_no if case.release else None)
        _add(age, case, case.release_days)
        _add(trained, case, case.training_seconds)
        if case.release is not None and (tried := case.release.candidate) is not None:
            candidate.add_metric([case.usecase, str(tried.model.version), tried.stage.kind], 1)
    yield from (decisions, waits, frozen, number, age, candidate, trained)


def _gauge(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=["usecase"])


def _add(family: GaugeMetricFamily, case: Measured, value: float | None) -> None:
    """A sample of a use case; none if the value is unknown."""
    if value is not None:
        family.add_metric([case.usecase], value)
