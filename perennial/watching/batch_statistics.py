"""The statistics of the watched batch and of the champion, read or computed when a channel first asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.clock import instant
from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters
from perennial.features.recipe import Recipe
from perennial.ledger.entries import Snapshot
from perennial.model.released import Serving
from perennial.scoring.elsewhere import Elsewhere
from perennial.scoring.predicted import Predictor
from perennial.store.statistics import StatisticsFiles
from perennial.store.stored_rows import StoredRows
from perennial.usecase.declared_schema import Schema
from perennial.watching.counted import counted, new_grids
from perennial.watching.inputs_in_parts import Inputs, days_in
from perennial.watching.profile import TRAINED_DAYS, Evaluated, evaluated, read_evaluated, written_evaluated
from perennial.watching.statistics.counting import RowDays
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.frames import merged_features
from perennial.watching.statistics.grid import Grid
from perennial.watching.statistics.pca import Directions, fitted_directions, read_directions
from perennial.watching.statistics.written import counts_table, read_counts, read_grids, written_grids

if TYPE_CHECKING:
    import pandas as pd

RowsOf = Callable[[str], "pd.DataFrame | StoredRows"]


@dataclass(frozen=True, eq=False)
class FeatureCounts:
    """The counts of the features of one recipe, batch by batch. `rows_of` reads a batch that was never counted.

    by_row: as of `Inputs`. elsewhere: as of `counted`.
    """

    files: StatisticsFiles
    recipe: Recipe
    schema: Schema
    rows_of: RowsOf
    by_row: bool = True
    elsewhere: Elsewhere | None = None

    @property
    def grids(self) -> dict[str, Grid]:
        """The use case's grid of each feature that has had a value."""
        return read_grids(self.files.json("grids") or {})

    def inputs(self, rows: pd.DataFrame | StoredRows) -> Inputs:
        """The rows with their features."""
        return Inputs(self.recipe, rows, self.by_row)

    def of(self, batch: str, rows: pd.DataFrame | StoredRows | None = None) -> dict[str, Counts]:
        """The counts of a batch, written if they are not there. rows: its accepted rows, if they are at hand.

        Grids first, then counts: a killed run finds the grids and counts the same again.
        """
        stored = self.files.table(f"batches/{batch}")
        if stored is not None:
            return read_counts(stored)
        inputs, grids = self.inputs(self.rows_of(batch) if rows is None else rows), self.grids
        made = new_grids(inputs, grids)
        if made:
            grids |= made
            self.files.keep_json("grids", written_grids(grids))
        counts = counted(inputs, self.schema, grids, self.elsewhere)
        self.files.keep_table(f"batches/{batch}", counts_table(counts))
        return counts


@dataclass(frozen=True, eq=False)
class EvaluationSample:
    """Labelled rows on which the champion was evaluated; y, predictions and clusters are of `rows`.

    metric: the reference's. worths: the custom metrics with one number per row.
    """

    rows: pd.DataFrame | StoredRows
    y: FloatArray
    predictions: FloatArray
    clusters: Clusters
    metric: Metric
    worths: Mapping[str, Metric]


@dataclass(frozen=True, eq=False)
class BatchStatistics:
    """Of one batch and the champion that is live at it.

    batch: its id. rows: its accepted rows. champion_id: the challenger that became the champion. snapshot: what it was
    trained on. evaluation: the rows that it was evaluated on, None if no decision made it.
    predictor: of the rows.
    """

    features: FeatureCounts
    batch: str
    rows: pd.DataFrame | StoredRows
    champion: Serving
    champion_id: str
    classes: tuple[str | int, ...]
    snapshot: Snapshot | None
    evaluation: Callable[[], EvaluationSample | None]
    predictor: Predictor

    @cached_property
    def now(self) -> Mapping[str, Counts]:
        """The batch's features."""
        return self.features.of(self.batch, self.rows)

    @cached_property
    def trained(self) -> Mapping[str, Counts] | None:
        """The features of the champion's training rows, at most the newest `TRAINED_DAYS` days; None if unknown.

        All accepted rows of those days count, also the few whose label was not known yet.
        """
        stored = self.features.files.table(f"champions/{self.champion_id}")
        if stored is not None:
            return read_counts(stored)
        if self.snapshot is None:
            return None
        zone = ZoneInfo(self.features.schema.timezone)
        last, first = day_of(instant(self.snapshot.last), zone), day_of(instant(self.snapshot.first), zone)
        first = max(first, last - TRAINED_DAYS)
        parts: list[Mapping[str, Counts]] = []
        for batch in reversed(self.snapshot.batches):
            counts = self.features.of(batch)
            inside = {name: each.between(first, last) for name, each in counts.items()}
            if any(each.days.size for each in inside.values()):
                parts.insert(0, inside)
            elif parts:
                break  # the newest batches may be younger than the last row, by days left out or without labels
        merged = merged_features(parts, self.features.grids)
        self.features.files.keep_table(f"champions/{self.champion_id}", counts_table(merged))
        return merged

    @cached_property
    def evaluated(self) -> Evaluated | None:
        """The champion's evaluation; None if no decision made it."""
        stored = self.features.files.json(f"champions/{self.champion_id}")
        if stored is not None:
            return read_evaluated(stored)
        sample = self.evaluation()
        if sample is None or not len(sample.rows):
            return None
        schema = self.features.schema
        _ = self.now  # the grids may not exist before the first batch was counted
        profile = evaluated(
            self.features.inputs(sample.rows),
            days_in(sample.rows, schema.time, schema.timezone),
            sample.y,
            sample.predictions,
            sample.metric,
            self.features.grids,
            self.classes,
            numbers=schema.task == "regression",
            clusters=sample.clusters,
            worths=sample.worths,
        )
        self.features.files.keep_json(f"champions/{self.champion_id}", written_evaluated(profile))
        return profile

    @cached_property
    def directions(self) -> Directions | None:
        """The main directions of the champion's evaluation rows; None if no decision made it."""
        name = f"champions/{self.champion_id}-directions"
        stored = self.features.files.json(name)
        if stored is not None:
            return read_directions(stored)
        sample = self.evaluation()
        if sample is None or not len(sample.rows):
            return None
        schema = self.features.schema
        days = days_in(sample.rows, schema.time, schema.timezone)
        directions = fitted_directions(self.features.inputs(sample.rows).whole, days.codes)
        self.features.files.keep_json(name, asdict(directions))
        return directions

    @cached_property
    def predicted(self) -> FloatArray:
        """The champion's predictions for all rows of the batch, shape (n,) or (n, K)."""
        of_models = self.predictor.predictions(self.champion.models, self.rows)
        return self.champion.blended(of_models, self.classes)

    @cached_property
    def days(self) -> RowDays:
        """The days of the rows of the batch."""
        return days_in(self.rows, self.features.schema.time, self.features.schema.timezone)


def day_of(moment: datetime, zone: ZoneInfo) -> int:
    """The day of a moment on a calendar, as days since 1970."""
    return moment.astimezone(zone).toordinal() - datetime(1970, 1, 1).toordinal()
