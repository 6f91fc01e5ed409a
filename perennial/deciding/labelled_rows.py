"""Labelled rows with their clusters and what models predict for them, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.deciding.cluster_codes import cluster_names, coded, group_names
from perennial.evaluation.figures import UNITS
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import relative
from perennial.our_columns import LABEL
from perennial.scoring.predicted import Predictor, predicted
from perennial.store.rows import labels_of, weights_of
from perennial.store.stored_rows import StoredRows, in_memory, parts_of, rows_at, together
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd

    from perennial.model.artifact import Fitted


@dataclass(frozen=True)
class EvaluationRows:
    """Labelled rows in key order with the cluster of each, and the share of eligible rows that are labelled.

    codes: shape (n,), cluster of each row, 0..T-1 in time order; names: T names, for example dates.
    second: the column of a second clustering and each row's cluster, shape (n,), from 0.
    since: the instant from which events were left out of the challenger's training; None if none were.
    """

    rows: pd.DataFrame | StoredRows
    codes: np.ndarray
    names: tuple[str, ...]
    labelled_share: float
    second: tuple[str, np.ndarray] | None = None
    since: datetime | None = None
    _predicted: dict[Fitted, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    @property
    def are_on_disk(self) -> bool:
        """Whether there are more rows than may be in memory as a whole."""
        return isinstance(self.rows, StoredRows)

    @property
    def frame(self) -> pd.DataFrame:
        """All rows in memory, wherever they are."""
        return in_memory(self.rows)

    def at(self, places: np.ndarray, columns: list[str]) -> pd.DataFrame:
        """Some columns of the rows at some places, in their order."""
        return rows_at(self.rows, places, columns)

    def span_of(self, column: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The first and the last value of a column of times; there is at least one row."""
        ends = [(part[column].min(), part[column].max()) for part in parts_of(self.rows, [column])]
        return min(first for first, _ in ends), max(last for _, last in ends)

    def have_predicted(self, by: Predictor, models: Iterable[Fitted]) -> None:
        """Take what another predicts for the rows, by each model. Its bits must be those of `predictions`."""
        left = [each for each in dict.fromkeys(models) if each not in self._predicted]
        self._predicted.update(zip(left, by.predictions(left, self.rows), strict=True))

    def predictions(self, model: Fitted) -> np.ndarray:
        """What a model predicts for the rows, shape (n,) or (n, k). It is asked once: see `rows_to_watch`."""
        if model not in self._predicted:
            self._predicted[model] = predicted(model, self.rows)
        return self._predicted[model]


def labelled(declaration: Declaration, rows: pd.DataFrame) -> EvaluationRows:
    """The rows that have a label, with their clusters."""
    known = rows[rows[LABEL].notna()].reset_index(drop=True)
    return clustered(declaration, known, len(known) / len(rows) if len(rows) else 0.0)


def clustered(declaration: Declaration, rows: pd.DataFrame | StoredRows, share: float) -> EvaluationRows:
    """Labelled rows with their clusters. share: of the eligible rows, those that are labelled."""
    schema, evaluation = declaration.schema_, declaration.evaluation
    first = schema.time if evaluation.cluster_name in UNITS else evaluation.cluster_name
    names, codes = coded(cluster_names(part, schema, evaluation) for part in parts_of(rows, [first]))
    other, second = evaluation.second_cluster, None
    if other is not None and len(rows):
        second = other, together(rows, coded(group_names(part, other) for part in parts_of(rows, [other]))[1])
    return EvaluationRows(rows, together(rows, codes), names, share, second)


def labels_in(rows: EvaluationRows, schema: Schema) -> np.ndarray:
    """The labels as numbers, shape (n,): see `labels_of`."""
    return together(rows.rows, (labels_of(part, schema) for part in parts_of(rows.rows, [LABEL])))


def clusters_of(declaration: Declaration, rows: EvaluationRows) -> Clusters:
    """The declared clusters of the rows, and how much each row counts."""
    weights = relative(weights_of(rows.rows, declaration.schema_))
    return Clusters(np.asarray(rows.codes, dtype=np.int64), declaration.evaluation.cluster_name, rows.second, weights)
