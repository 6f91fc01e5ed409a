"""Differences between the stores and the ledger, and how each is repaired. The ledger is authoritative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perennial.clock import day
from perennial.errors import ExperimentDeleted, LedgerBroken, ModelDeleted, ModelUnloadable, on_record
from perennial.fault_points import write
from perennial.ledger.entries import (
    AliasMoved,
    AliasPutBack,
    BatchEntry,
    BatchScored,
    ChallengerEntry,
    LabelBatchEntry,
    SegmentCollected,
)
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, freezes, undone_decision
from perennial.model.released import load_candidate, load_served
from perennial.release.planned_stages import begins_with, stage_in_words
from perennial.release.promote import mirror_alias, release_decided
from perennial.release.stages import follow_look, running, undone_look
from perennial.store.registry import Registry
from perennial.store.tables import Name, Tables


@dataclass(frozen=True)
class Disagreement:
    """One difference. `mend` repairs it, and is None if only a person can.

    go_back: whether a rollback to the previous version helps.
    """

    what: str
    way_out: str
    mend: Callable[[], None] | None
    go_back: bool = False


def examine(ledger: Ledger, tables: Tables, registry: Registry, usecase: str, now: str) -> list[Disagreement]:
    """All differences of a use case, without changing anything. now: recorded with a repair; nothing depends on it.

    Raises RegistryDown, TransientError.
    """
    try:
        ledger.verify(usecase)
    except LedgerBroken as error:
        return [Disagreement(str(error), "restore the ledger from a backup", None)]
    deleted = _deleted(ledger, registry, usecase)
    return [
        *_uncommitted_rows(ledger, tables, usecase),
        *_undone(ledger, registry, usecase),
        *_undone_stage(ledger, registry, usecase),
        *(deleted or [*_alias(ledger, registry, usecase, now), *_champion(ledger, registry, usecase)]),
        *_runs(ledger, registry, usecase),
    ]


def _deleted(ledger: Ledger, registry: Registry, usecase: str) -> list[Disagreement]:
    """Live models that are no longer in MLflow under their name, so that the alias cannot point to them either."""
    release = current_release(ledger, usecase)
    for each in release.serves if release else ():
        try:
            registry.folder(usecase, each.model)
        except ModelDeleted as error:
            return [
                Disagreement(
                    f"the live model ({release.versions if release else ''}) is gone: {error}",
                    "restore it in MLflow from a backup, or roll back to the previous version",
                    None,
                    go_back=True,
                )
            ]
        except ModelUnloadable:
            continue  # its files are missing: see `_champion`
    return []


def _uncommitted_rows(ledger: Ledger, tables: Tables, usecase: str) -> list[Disagreement]:
    committed = {r.payload.batch for r in ledger.all(usecase, BatchEntry)}
    committed |= {r.payload.batch for r in ledger.all(usecase, LabelBatchEntry)}
    committed |= {r.key for r in ledger.all(usecase, BatchScored)}
    committed |= {r.key for r in ledger.all(usecase, SegmentCollected)}
    names: tuple[Name, ...] = ("accepted", "quarantine", "labels", "predictions")
    return [
        Disagreement(
            f"the {name} table has {rows} rows of batch {batch} without a ledger entry "
            f"({'scoring' if name == 'predictions' else 'an ingest'} was interrupted)",
            f"the rows are removed; the next "
            f"{'cycle scores the batch' if name == 'predictions' else 'ingest reads them from the source'} again",
            lambda name=name, batch=batch: _sweep(tables, usecase, name, batch),  # type: ignore[misc]
        )
        for name in names
        for batch, rows in tables.batches(usecase, name).items()
        if batch not in committed
    ]


def _sweep(tables: Tables, usecase: str, name: Name, batch: str) -> None:
    with write("sweep"):
        tables.sweep(usecase, name, batch)


def _undone(ledger: Ledger, registry: Registry, usecase: str) -> list[Disagreement]:
    decision = undone_decision(ledger, usecase)
    if decision is None:
        return []

    def mend() -> None:
        made = release_decided(ledger, decision).payload
        with on_record(f"release {made.release_no} is recorded: {made.are_live} by the ledger"):
            mirror_alias(ledger, registry, usecase)

    return [
        Disagreement(
            f"decision {decision.id} released version {decision.challenger.version}, but the release was interrupted",
            f"the version begins with {first}" if (first := begins_with(decision)) else "the version is released",
            mend,
        )
    ]


def _undone_stage(ledger: Ledger, registry: Registry, usecase: str) -> list[Disagreement]:
    """A look whose change of the release is missing, and a candidate that cannot be loaded."""
    now, looked = running(ledger, usecase), undone_look(ledger, usecase)
    if now is None:
        return []
    release, candidate = now
    differences = []
    if looked is not None and not freezes(ledger, usecase):

        def mend() -> None:
            made = follow_look(ledger, usecase, looked)
            with on_record(f"release {made.payload.release_no if made else release.release_no} is recorded"):
                mirror_alias(ledger, registry, usecase)

        differences.append(
            Disagreement(
                f"the look of {day(looked.payload.as_of)} at {candidate.versions} ended in "
                f"{looked.payload.look.verdict}, but the release that follows is missing",
                "it is made",
                mend,
            )
        )
    try:
        load_candidate(registry, usecase, candidate)
    except (ModelDeleted, ModelUnloadable) as error:
        differences.append(
            Disagreement(
                f"{candidate.versions}, which is in {stage_in_words(candidate.stage)}, cannot be loaded: {error}",
                "restore its files from a backup, or roll back, which takes it away",
                None,
                go_back=True,
            )
        )
    return differences


def _alias(ledger: Ledger, registry: Registry, usecase: str, now: str) -> list[Disagreement]:
    release = current_release(ledger, usecase)
    actual = registry.champion(usecase)
    expected = release.champion.model.version if release else None
    moves = [row.payload for row in ledger.all(usecase, AliasMoved)]
    unfinished = moves[-1] if moves and ledger.get(usecase, AliasPutBack, moves[-1].key) is None else None
    if actual == expected and unfinished is None:
        return []
    if release is None:
        return [
            Disagreement(
                f"MLflow's alias points to version {actual}, but no model was ever released",
                "delete the alias in MLflow if nothing relies on it",
                None,
            )
        ]

    def mend() -> None:
        moved = unfinished
        if moved is None:
            moved = AliasMoved(number=len(moves) + 1, at=now, found=actual, release_no=release.release_no)
            ledger.append(usecase, moved)
        with on_record(f"it is recorded that MLflow's alias pointed to {_named(moved.found)}"):
            mirror_alias(ledger, registry, usecase)
        ledger.append(usecase, AliasPutBack(number=moved.number, at=now, restored=release.champion.model.version))

    if actual == expected:
        return [Disagreement("MLflow's alias was restored, which is not recorded yet", "it is recorded", mend)]

    return [
        Disagreement(
            f"MLflow's alias points to {_named(actual)}, but version {expected} is live by the ledger",
            "the alias is restored, and the change is recorded",
            mend,
        )
    ]


def _named(version: int | None) -> str:
    return f"version {version}" if version else "no version"


def _champion(ledger: Ledger, registry: Registry, usecase: str) -> list[Disagreement]:
    release = current_release(ledger, usecase)
    if release is None:
        return []
    try:
        load_served(registry, usecase, release)
    except ModelUnloadable as error:
        return [
            Disagreement(
                f"the live model ({release.versions}) cannot be loaded: {error}",
                "restore its files from a backup, or roll back to the previous version",
                None,
                go_back=True,
            )
        ]
    return []


def _runs(ledger: Ledger, registry: Registry, usecase: str) -> list[Disagreement]:
    trained = {row.payload.model.run_id: row.payload.model for row in ledger.all(usecase, ChallengerEntry)}
    try:
        unfinished = registry.unfinished(usecase)
        deleted = registry.deleted_runs(usecase, list(trained))
    except ExperimentDeleted as error:
        what, _, way_out = str(error).partition("\n")
        return [Disagreement(what.removeprefix(f"{usecase}: "), way_out.strip(), None)]
    return [
        Disagreement(
            f"MLflow run {run} has the status RUNNING, but no process is training it",
            "the run is marked as failed (interrupted)",
            lambda run=run: _mark_failed(registry, run),  # type: ignore[misc]
        )
        for run in unfinished
    ] + [
        Disagreement(
            f"MLflow run {run} of version {trained[run].version} was deleted",
            how,
            None,
        )
        for run, how in deleted.items()
    ]


def _mark_failed(registry: Registry, run: str) -> None:
    with write("run_marked_failed"):
        registry.mark_failed(run, "interrupted: the process ended before the model was saved")
