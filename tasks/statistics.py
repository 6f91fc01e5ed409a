"""The statistics of a watched batch, with access to the stores they are read from and written to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perennial.clock import instant
from perennial.deciding.evaluated_champion import evaluated_champion
from perennial.deciding.labelled_rows import clusters_of, labels_in
from perennial.evaluation.metrics.metric import Metric
from perennial.features.recipe import Recipe, recipe_of
from perennial.features.row_wise import custom
from perennial.ledger.entries import BatchEntry, Release, Snapshot
from perennial.model.released import Serving
from perennial.scoring.predicted import Predictor, goes_by_row
from perennial.store.batch_rows import batch_rows
from perennial.store.known import Known, known_at
from perennial.store.stored_rows import StoredRows
from perennial.store.workspace import Workspace
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.usecase.declaration import UseCase
from perennial.watching.batch_statistics import BatchStatistics, EvaluationSample, FeatureCounts
from perennial.watching.channels.features import not_compared
from perennial.watching.input_rates import StoredDays, stored_days
from perennial.watching.profile import read_evaluated
from perennial.watching.reference import metric_of_reference
from perennial.watching.statistics.pca import read_directions
from perennial.watching.statistics.written import read_counts, read_grids
from tasks.scoring import elsewhere_of

if TYPE_CHECKING:
    import pandas as pd


def batch_statistics(
    workspace: Workspace,
    case: UseCase,
    known: Known,
    batch: BatchEntry,
    release: Release,
    champion: Serving,
    rows: pd.DataFrame | StoredRows,
    snapshot: Snapshot | None,
    predictor: Predictor,
) -> BatchStatistics:
    """Nothing is read or computed yet: a channel that asks causes it.

    known: when the batch arrived. champion: the evaluated models of the release. predictor: of the batch's rows.
    """
    return BatchStatistics(
        features=_feature_counts(workspace, case, known, champion.champion.recipe, goes_by_row(champion.champion)),
        batch=batch.batch,
        rows=rows,
        champion=champion,
        champion_id=release.champion.challenger,
        classes=case.declaration.schema_.classes,
        snapshot=snapshot,
        evaluation=lambda: _evaluation(workspace, case, release, champion),
        predictor=predictor,
    )


def count_before_a_champion(workspace: Workspace, case: UseCase, batch: BatchEntry) -> None:
    """Count an accepted batch although no champion is watched yet, so that its rows need not be read again later."""
    if batch.status == "accepted" and "features" in case.declaration.watch.channels:
        known = known_at(workspace.ledger, case.name, instant(batch.arrived_at))
        recipe = recipe_of(case)
        # Whether a custom feature goes by row is seen when a model is trained.
        _feature_counts(workspace, case, known, recipe, by_row=not custom(recipe.derived)).of(batch.batch)


def _feature_counts(workspace: Workspace, case: UseCase, known: Known, recipe: Recipe, by_row: bool) -> FeatureCounts:
    schema = case.declaration.schema_

    def rows_of(name: str) -> pd.DataFrame | StoredRows:
        return batch_rows(workspace.tables, case.name, schema, known, (name,))

    files, elsewhere = workspace.statistics(case.name, recipe.digest), elsewhere_of(workspace, case.name)
    return FeatureCounts(files, recipe, schema, rows_of, by_row, elsewhere)


def days_by_champion(statistics: BatchStatistics, channels: Sequence[str]) -> StoredDays:
    """What is known about the champion by day, for those of the channels that compare it."""
    return stored_days(
        statistics.trained if "features" in channels else None,
        statistics.features.grids,
        statistics.evaluated if "predictions" in channels else None,
        statistics.directions if "multivariate" in channels else None,
        leave_out=not_compared(statistics.features.schema.time),
    )


def stored_by_champion(workspace: Workspace, case: UseCase, release: Release) -> StoredDays:
    """The same from what watching stored; nothing is computed."""
    files, name = workspace.statistics(case.name, recipe_of(case).digest), f"champions/{release.champion.challenger}"
    trained, evaluated, directions = files.table(name), files.json(name), files.json(f"{name}-directions")
    return stored_days(
        None if trained is None else read_counts(trained),
        read_grids(files.json("grids") or {}),
        None if evaluated is None else read_evaluated(evaluated),
        None if directions is None else read_directions(directions),
        leave_out=not_compared(case.declaration.schema_.time),
    )


def metrics_per_row(case: UseCase) -> dict[str, Metric]:
    """The custom metrics with one number per row, such as money."""
    own = case.declaration.evaluation.metrics
    sources = metric_sources(case)
    return {name: declared_metric(case.declaration, sources, name) for name, each in own.items() if each.per == "row"}


def _evaluation(workspace: Workspace, case: UseCase, release: Release, champion: Serving) -> EvaluationSample | None:
    declaration, ledger = case.declaration, workspace.ledger
    sample = evaluated_champion(workspace.tables, ledger, declaration, release)
    if sample is None or not len(sample.rows):
        return None
    return EvaluationSample(
        rows=sample.rows,
        y=labels_in(sample, declaration.schema_),
        predictions=champion.blended(
            [sample.predictions(each) for each in champion.models], declaration.schema_.classes
        ),
        clusters=clusters_of(declaration, sample),
        metric=metric_of_reference(ledger, case, release.reference, sample.rows, sample.codes),
        worths=metrics_per_row(case),
    )
