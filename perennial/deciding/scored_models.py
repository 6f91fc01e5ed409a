"""Champion and challenger on the evaluation rows: their predictions, and the metrics that compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from perennial.deciding.labelled_rows import EvaluationRows, clusters_of, labels_in
from perennial.evaluation.baseline import skill
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import NEGATIVE_FLIPS
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters, Paired, paired
from perennial.evaluation.results import MetricResult
from perennial.ledger.entries import ChallengerEntry, NotRecalled, Recalled, Release, Served
from perennial.model.artifact import Fitted
from perennial.model.released import Serving
from perennial.team_code.metrics import declared_metric
from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class Contest:
    """What is compared. champion and release are None while no model is live; the naive baseline then takes its place.

    champion: the models of the release that were evaluated. mixture: half of the challenger, and half of them or of
    past challengers, which is evaluated in its place; None: the challenger alone. mixed: the same models as the ledger
    names them. recalled: the past challengers among them, None if the other half is what is live. not_recalled: those
    that cannot predict.
    """

    challenger: Fitted
    challenger_entry: ChallengerEntry
    champion: Serving | None
    release: Release | None
    mixture: Serving | None = None
    mixed: tuple[Served, ...] = ()
    recalled: tuple[Recalled, ...] | None = None
    not_recalled: tuple[NotRecalled, ...] = ()

    @property
    def models(self) -> tuple[Fitted, ...]:
        """All that predict."""
        together = [each for each in (self.champion, self.mixture) if each is not None]
        return (self.challenger, *(model for each in together for model in each.models))

    @property
    def alone(self) -> Contest:
        """The challenger alone against what is live."""
        return replace(self, mixture=None, mixed=(), recalled=None)

    @property
    def against_mixture(self) -> Contest:
        """The challenger alone against the mixture."""
        return replace(self, champion=self.mixture, mixture=None, mixed=(), recalled=None)


@dataclass(frozen=True)
class Scored:
    """Both models scored on the same rows. sources: file name → text of the custom metrics and groups."""

    declaration: Declaration
    contest: Contest
    judging: EvaluationRows
    sources: Mapping[str, str]

    @cached_property
    def alone(self) -> Scored:
        """The challenger alone on the same rows, against what is live."""
        return replace(self, contest=self.contest.alone)

    @cached_property
    def against_mixture(self) -> Scored:
        """The challenger alone on the same rows, against its mixture."""
        return replace(self, contest=self.contest.against_mixture)

    @cached_property
    def labels(self) -> np.ndarray:
        """Shape (n,)."""
        return labels_in(self.judging, self.declaration.schema_)

    @cached_property
    def challenger(self) -> np.ndarray:
        """Its predictions, shape (n,), or (n, K) over the declared classes; those of its mixture where there is one."""
        return self._of(self.contest.mixture or Serving((self.contest.challenger,), (1.0,)))

    @cached_property
    def champion(self) -> np.ndarray:
        """Its predictions in the same shape, or the constant from the challenger's training labels."""
        live = self.contest.champion
        return self._constant_of(self.contest.challenger) if live is None else self._of(live)

    @cached_property
    def clusters(self) -> Clusters:
        """Of the rows, by the declared clustering."""
        return clusters_of(self.declaration, self.judging)

    @cached_property
    def paired(self) -> Paired:
        """Labels and both models' predictions."""
        clusters = self.clusters
        return paired(
            self.labels,
            self.champion,
            self.challenger,
            clusters.codes,
            cluster_by=clusters.name,
            second=clusters.second,
            weights=clusters.weights,
        )

    @cached_property
    def asked(self) -> list[Asked]:
        """As `asked_metrics`, for these rows."""
        return asked_metrics(self.declaration, self.metric)

    @cached_property
    def primary(self) -> Metric:
        """The metric that decides."""
        return self.metric(self.declaration.primary)

    def metric(self, name: str) -> Metric:
        """The declared metric with that name, for these rows."""
        rows, codes = self.judging.rows, self.judging.codes
        return declared_metric(self.declaration, self.sources, name, rows=rows, codes=codes)

    def champion_skill(self, result: MetricResult) -> float | None:
        """Over the constant from the newest champion's training labels. result: of the primary metric."""
        if self.contest.champion is None:
            return None
        naive = self._constant_of(self.contest.champion.champion)
        value, _ = self.primary.measured(self.labels, naive, self.clusters.weights)
        return skill(self.primary.direction, result.champion, value)

    def _constant_of(self, model: Fitted) -> np.ndarray:
        constant: np.ndarray = model.over(model.naive_predictions(len(self.labels)), self._classes)
        return constant

    def _of(self, models: Serving) -> np.ndarray:
        return models.blended([self.judging.predictions(each) for each in models.models], self._classes)

    @property
    def _classes(self) -> tuple[str | int, ...]:
        return self.declaration.schema_.classes


def asked_metrics(declaration: Declaration, metric: Callable[[str], Metric]) -> list[Asked]:
    """The primary metric, the guards, then those shown for information. metric: the declared one with a name.

    Raises TeamCodeFailed if a custom metric cannot be loaded.
    """

    def asked(name: str, role: Literal["primary", "info"]) -> Asked:
        return Asked(name, role, metric=metric(name), own_code=declaration.metric_code(name))

    evaluation = declaration.evaluation
    guards = [
        Asked(name, "guard", bound.margin, bound.at_least, bound.at_most, metric(name), declaration.metric_code(name))
        for name, bound in sorted(evaluation.guards.items())
        if name != NEGATIVE_FLIPS
    ]
    return [asked(declaration.primary, "primary"), *guards, *(asked(name, "info") for name in evaluation.also)]
