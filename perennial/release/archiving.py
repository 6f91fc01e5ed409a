"""Old models move to the archive, from which a replay, a rollback and an erasure get them.

Nothing is deleted: every recorded decision can be replayed, and that needs its models.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from perennial.errors import ModelUnloadable
from perennial.ledger.entries import ChallengerEntry, ModelArchived, ModelRef
from perennial.ledger.erased import erasures
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import open_question, undone_decision
from perennial.model.artifact import digest_model
from perennial.release.in_use import versions_in_use
from perennial.store.model_archive import archived, missing_from_archive
from perennial.store.workspace import Workspace
from perennial.usecase.declaration import Declaration


def needed_versions(ledger: Ledger, declaration: Declaration) -> set[int]:
    """Those that something may need at any moment, and those that a person decides on or whose release is undone.

    With `release.serve: recall` these are all, since every cycle predicts with the past challengers.
    """
    usecase = declaration.name
    if declaration.release.serve == "recall":
        return set(models_of(ledger, usecase))
    waiting = [decision for decision in (open_question(ledger, usecase), undone_decision(ledger, usecase)) if decision]
    return versions_in_use(ledger, usecase) | {decision.challenger.version for decision in waiting}


def old_models(ledger: Ledger, declaration: Declaration, now: datetime, kept: timedelta) -> list[ModelRef]:
    """Models that were recorded longer ago than they are kept, and that nothing needs."""
    needed = needed_versions(ledger, declaration)
    return [
        row.payload.model
        for row in ledger.all(declaration.name, ChallengerEntry)
        if row.payload.model.version not in needed and now - datetime.fromisoformat(row.recorded_at) > kept
    ]


def archive_models(workspace: Workspace, usecase: str, now: datetime) -> list[ModelArchived]:
    """Move the files of old models to the archive, while no other run is at work; return what was moved now.

    A model that is needed again, as after a rollback, comes back. now: by the machine's clock. Killed anywhere, the
    next call goes on: files are removed only after the archive was read back and the ledger has the row. Raises
    TransientError if another run holds its turn, ModelUnloadable for a model whose bytes were changed.
    """
    where = workspace.settings
    if where.model_archive is None:
        return []
    with workspace.undisturbed(usecase):
        declaration = workspace.use_case(usecase).declaration
        take_back(workspace, usecase, needed_versions(workspace.ledger, declaration))
        models = old_models(workspace.ledger, declaration, now, where.models_kept)
        return [moved for model in models if (moved := _moved(workspace, usecase, model)) is not None]


def take_back(workspace: Workspace, usecase: str, versions: Collection[int]) -> None:
    """Put the files of archived models back into the registry, and remove them from the archive.

    Killed anywhere, the next call goes on. Raises ModelUnloadable, with nothing changed, if some are nowhere.
    """
    for each in missing_models(workspace, usecase):
        if each.version in versions:
            raise missing_from_archive(usecase, workspace.model_archive, each)
    models = models_of(workspace.ledger, usecase)
    for entry in (row.payload for row in workspace.ledger.all(usecase, ModelArchived)):
        if entry.version in versions:
            workspace.registry.take_back(usecase, models[entry.version], entry)


def models_of(ledger: Ledger, usecase: str) -> dict[int, ModelRef]:
    """Version → its model, of all that were ever trained."""
    return {row.payload.model.version: row.payload.model for row in ledger.all(usecase, ChallengerEntry)}


def missing_models(workspace: Workspace, usecase: str) -> list[ModelArchived]:
    """Versions whose files are neither in the archive nor in the registry, and that no erasure has removed."""
    ledger, registry, archive = workspace.ledger, workspace.registry, workspace.model_archive
    models = models_of(ledger, usecase)
    removed = {each.version for erased in erasures(ledger, usecase) for each in erased.models if not each.now}
    entries = [row.payload for row in ledger.all(usecase, ModelArchived) if row.payload.version not in removed]
    return [each for each in entries if not archive.has(each) and not registry.has_files(usecase, models[each.version])]


def _moved(workspace: Workspace, usecase: str, model: ModelRef) -> ModelArchived | None:
    registry, archive, ledger = workspace.registry, workspace.model_archive, workspace.ledger
    if not registry.has_files(usecase, model):
        return None
    digest = registry.digest(usecase, model)
    entry = archived(ledger, usecase, model.version, digest)
    if entry is None or not archive.has(entry):
        folder = registry.unverified_folder(usecase, model)
        if digest_model(folder) != digest:
            raise ModelUnloadable(
                f"{usecase}: the files of version {model.version} are not those that were registered, so they are not "
                "archived\n  Restore them from a backup."
            )
        name = f"models/{registry.name(usecase)}/{model.version}-{digest[:16]}.tar"
        row, _ = ledger.append(usecase, archive.pack(model.version, digest, name, folder))
        entry = row.payload
    archive.verify(entry)
    registry.remove_files(usecase, model)
    return entry
