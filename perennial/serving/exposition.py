"""A service's counts in Prometheus' text format 0.0.4. Names and labels are stable: dashboards use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from perennial.serving.tally import Key, Spread, Tally

_ARM = ("usecase", "arm")


def exposition(tally: Tally) -> bytes:
    """The metrics of a service. What is unknown has no sample."""

    class Families(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from _families(tally)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    return generate_latest(registry)


def _families(tally: Tally) -> Iterator[Metric]:
    release, field = (*_ARM, "release"), (*_ARM, "field")
    yield _counter("perennial_requests", "Requests, by status.", (*_ARM, "status"), tally.requests)
    yield _histogram("perennial_request_seconds", "Time to answer.", _ARM, tally.seconds)
    yield _counter("perennial_predictions", "Records that were scored.", release, tally.predictions)
    yield _histogram("perennial_served_score", "Probabilities that binary models gave.", release, tally.scores)
    yield _histogram("perennial_served_number", "Numbers that regressions gave.", release, tally.numbers)
    yield _counter("perennial_served_class", "Most probable classes.", (*release, "class"), tally.classes)
    yield _counter("perennial_unseen_categories", "Values never seen in training.", field, tally.unseen)
    yield _counter("perennial_unseen_records", "Records with such a value.", release, tally.unseen_records)
    yield _counter("perennial_missing_features", "Fields without a value.", field, tally.missing)
    yield _counter("perennial_unlogged_predictions", "Answered, but not in the log.", release, tally.unlogged)
    yield _gauge("perennial_last_answered_timestamp_seconds", "The newest prediction.", _ARM, tally.answered)
    yield _gauge("perennial_serving_release", "The release that answers.", ("usecase",), _by_usecase(tally.serving))
    yield _gauge("perennial_wanted_release", "The one that should.", ("usecase",), _by_usecase(tally.wanted))
    model, kind = ("usecase", "model", "release"), ("usecase", "release", "kind")
    yield _histogram("perennial_stage_score", "Probabilities for the records of both arms.", model, tally.given)
    yield _histogram("perennial_stage_score_seconds", "Time of a model for one record.", model, tally.scoring)
    yield _counter("perennial_candidate_failures", "Records without a candidate's score.", kind, tally.failures)
    loaded = _by_usecase(tally.candidates)
    yield _gauge("perennial_candidate_loaded", "Whether all workers have loaded the candidate.", ("usecase",), loaded)
    since = GaugeMetricFamily("perennial_serving_since_timestamp_seconds", "When the service began to count.")
    since.add_metric([], tally.since)
    yield since


def _by_usecase(releases: Mapping[str, int]) -> dict[Key, int]:
    return {(usecase,): number for usecase, number in releases.items()}


def _counter(name: str, meaning: str, labels: Key, counts: Mapping[Key, int]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for key, number in counts.items():
        family.add_metric(key, number)
    return family


def _gauge(name: str, meaning: str, labels: Key, values: Mapping[Key, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(name: str, meaning: str, labels: Key, spreads: Mapping[Key, Spread]) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=labels)
    for key, spread in spreads.items():
        bounds = [*(str(bound) for bound in spread.bounds), "+Inf"]
        family.add_metric(key, list(zip(bounds, accumulate(spread.counts), strict=True)), spread.total)
    return family
