"""From a snapshot to a registered challenger, once however often it is called."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.errors import TerminalError
from perennial.features.row_wise import row_wise
from perennial.identity import short_id
from perennial.ledger.entries import ChallengerEntry, Snapshot, Trigger
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import digest_model, trusted_types, write_extras
from perennial.model.environment import code_version, libraries
from perennial.model.predicting import predict
from perennial.store.registry import LearnedFrom, Registry, Training, TrialRun
from perennial.store.site import Site
from perennial.store.stored_rows import StoredRows
from perennial.training.fit import fit
from perennial.training.foreign_types import refuse_foreign_types
from perennial.training.race import Raced
from perennial.training.readiness import NotTrainableYet
from perennial.training.search import Searched
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.importable import EXTRAS, is_own

if TYPE_CHECKING:
    import pandas as pd

REQUIREMENTS = ("scikit-learn", "skops", "pandas", "numpy", "scipy")


def challenger_id(snapshot: Snapshot, declaration: Declaration) -> str:
    """The identity of the model that this declaration, with its code, produces from this snapshot."""
    return short_id([snapshot.snapshot, declaration.model_digest, declaration.model.seed])


@dataclass(frozen=True)
class Newest:
    """The challenger trained last, with its training rows."""

    entry: ChallengerEntry
    snapshot: Snapshot


def newest_challenger(ledger: Ledger, case: UseCase) -> Newest | None:
    """The challenger trained last, if it was made by the current declaration; otherwise None."""
    rows = ledger.all(case.name, ChallengerEntry)
    if not rows or rows[-1].payload.model_digest != case.declaration.model_digest:
        return None
    entry = rows[-1].payload
    snapshot = ledger.get(case.name, Snapshot, entry.snapshot)
    if snapshot is None:
        raise LookupError(f"snapshot {entry.snapshot} of challenger {entry.challenger} is not in the ledger")
    return Newest(entry, snapshot.payload)


def train(
    case: UseCase,
    snapshot: Snapshot,
    rows: pd.DataFrame | StoredRows,
    registry: Registry,
    trigger: Trigger,
    raced: Raced,
    later_because: str | None = None,
    site: Site | None = None,
) -> ChallengerEntry:
    """Fit the winner of the race, save it and register it. The caller commits the returned entry.

    later_because: why it is not evaluated at once, if that is declared. site: as of `fit`. A fit that fails is recorded
    in MLflow as a failed run with its reason.
    Raises NotTrainableYet if there are too few rows for a search, TrainingFailed, TeamCodeFailed, InputError,
    RegistryDown.
    """
    declared, alone = case.declaration, case.racing_as(raced.rival)
    declaration = alone.declaration
    name = challenger_id(snapshot, declaration)
    params = run_parameters(declaration, snapshot)
    try:
        made = fit(alone, rows, site)
        if is_own(declaration.model.estimator):
            refuse_foreign_types(made.fitted.pipeline)
        fitted = replace(made.fitted, row_wise=row_wise(made.fitted.recipe, made.rows, column_types(declaration)))
    except NotTrainableYet:
        raise
    except TerminalError as error:
        registry.record_failure(case.name, name, params, str(error))
        raise
    with tempfile.TemporaryDirectory() as folder:
        model = registry.register(
            case.name,
            Training(
                challenger=name,
                pipeline=made.fitted.pipeline,
                files=write_extras(Path(folder), fitted, made.inputs),
                trusted=trusted_types(),
                inputs=made.inputs.head(100),
                predictions=predict(made.fitted.pipeline, made.inputs.head(100), declaration.schema_.task),
                params={**params, **_found(made.searched)},
                metrics={
                    **({} if made.in_sample is None else {f"in_sample_{declaration.primary}": made.in_sample}),
                    "in_sample_rows": made.in_sample_rows,
                    "training_rows": len(rows),
                    "fit_seconds": made.seconds,
                },
                tags={
                    "perennial.snapshot": snapshot.snapshot,
                    "perennial.as_of": snapshot.as_of,
                    "perennial.code_version": code_version(),
                    "perennial.trigger": trigger.kind,
                    "perennial.features_digest": made.fitted.recipe.digest,
                    **{f"library.{library}": version for library, version in libraries().items()},
                },
                learned_from=LearnedFrom(snapshot.snapshot, snapshot.table, snapshot.digest, snapshot.rows),
                requirements=[f"{library}=={libraries()[library]}" for library in _requirements(declaration)],
                digest=digest_model,
                trials=(*raced.runs, *_trials(declaration.primary, made.searched)),
            ),
        )
    return ChallengerEntry(
        challenger=name,
        model=model,
        snapshot=snapshot.snapshot,
        model_digest=declared.model_digest,
        declaration_digest=declared.digest,
        features_digest=made.fitted.recipe.digest,
        code_version=code_version(),
        as_of=snapshot.as_of,
        trigger=trigger,
        seconds=made.seconds,
        rival=raced.rival,
        later_because=later_because,
    )


def _requirements(declaration: Declaration) -> list[str]:
    package = declaration.model.estimator.partition(".")[0]
    return [*REQUIREMENTS, *([package] if package in EXTRAS else [])]


def _found(searched: Searched | None) -> dict[str, Any]:
    if searched is None:
        return {}
    return {**{f"param.{name}": value for name, value in searched.params.items()}, "search": searched.summary}


def _trials(metric: str, searched: Searched | None) -> tuple[TrialRun, ...]:
    """Each trial with its metric on every fold and their mean."""
    made = []
    for trial in searched.trials if searched else ():
        values = {f"{metric}_fold_{number}": value for number, value in enumerate(trial.values, start=1)}
        mean = {f"{metric}_mean": trial.mean} if trial.values else {}
        made.append(TrialRun(f"trial {trial.number}", trial.params, {**values, **mean}, trial.state, trial.why))
    return tuple(made)


def run_parameters(declaration: Declaration, snapshot: Snapshot) -> dict[str, Any]:
    """The run's parameters in MLflow."""
    model = declaration.model
    return {
        "estimator": model.estimator,
        "seed": model.seed,
        "window": declaration.model_dump(mode="json")["model"]["window"],
        **{f"param.{name}": value for name, value in model.params.items()},
        "features": ", ".join(
            [*declaration.features.categorical, *declaration.features.numeric, *declaration.features.derived]
        ),
        "snapshot_rows": snapshot.rows,
        **({} if snapshot.sampled is None else {"snapshot_sampled_from": snapshot.sampled.of}),
        **({} if model.parts is None else {f"parts.{name}": value for name, value in model.parts}),
        "snapshot_first": snapshot.first,
        "snapshot_last": snapshot.last,
        "snapshot_version": snapshot.version,
    }
