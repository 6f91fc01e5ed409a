"""What a service measures of itself, for Prometheus."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from perennial.serving.answering import Answer
from perennial.serving.following import Follower

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
_SHARES = tuple(place / 10 for place in range(1, 11))


class Measures:
    """Counters and histograms of one worker."""

    def __init__(self, follower: Follower) -> None:
        self._follower, self._registry = follower, (kept := CollectorRegistry())
        by_status, by_release, by_field = ["usecase", "status"], ["usecase", "release"], ["usecase", "field"]
        of = ["usecase"]
        self._requests = Counter("perennial_requests", "requests", by_status, registry=kept)
        self._seconds = Histogram("perennial_request_seconds", "time to answer", of, buckets=_SECONDS, registry=kept)
        self._predictions = Counter("perennial_predictions", "records scored", by_release, registry=kept)
        self._scores = Histogram(
            "perennial_served_score", "scores of binary models", by_release, buckets=_SHARES, registry=kept
        )
        self._unseen = Counter("perennial_unseen_categories", "values never trained on", by_field, registry=kept)
        self._missing = Counter("perennial_missing_features", "fields without a value", by_field, registry=kept)
        self._serving = Gauge("perennial_serving_release", "the release that answers", of, registry=kept)
        self._wanted = Gauge("perennial_wanted_release", "the release that should answer", of, registry=kept)

        # Looking labels up takes longer than counting.
        self._requests_of, self._seconds_of = cache(self._requests.labels), cache(self._seconds.labels)
        self._predictions_of, self._scores_of = cache(self._predictions.labels), cache(self._scores.labels)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        usecase = self._usecase(path)
        self._requests_of(usecase, status).inc()
        self._seconds_of(usecase).observe(seconds)

    def _usecase(self, path: str) -> str:
        parts = path.split("/")
        return next((name for name in self._follower.usecases if name in parts), "")

    def scored(self, answered: Answer) -> None:
        """Count the records of an answer."""
        live, columns = answered.live, answered.checked.columns
        release = live.release.release_no
        self._predictions_of(live.usecase, release).inc(answered.checked.rows)
        if live.schema.task == "binary":
            scores = self._scores_of(live.usecase, release)
            for score in answered.scores.tolist():
                scores.observe(score)
        for note in answered.checked.notes:
            if note.code == "unseen-category":
                self._unseen.labels(live.usecase, note.field).inc()
        for name in live.features:
            if None in columns[name]:
                missing = sum(value is None for value in columns[name])
                self._missing.labels(live.usecase, name).inc(missing)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        for state in self._follower.states:
            if state.serving is not None:
                self._serving.labels(state.usecase).set(state.serving)
            if state.wanted is not None:
                self._wanted.labels(state.usecase).set(state.wanted)
        return generate_latest(self._registry)
