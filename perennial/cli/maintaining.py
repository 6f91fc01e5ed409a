"""`maintain`: remove what a home keeps and nothing reads, and move old models to the archive."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from perennial.cli import machine_clock
from perennial.cli.declared import named_or_all
from perennial.cli.output import as_json, flowing
from perennial.settings import settings
from perennial.store.upkeep import Unread, remove_unread, unread_files
from perennial.store.workspace import Workspace, open_workspace, reading_workspace
from perennial.usecase.mistakes import listed


def maintain(usecase: str | None, dry_run: bool, json: bool) -> None:
    """Of one use case, or of all."""
    where = settings()
    names = [case.name for case in named_or_all(usecase, where.usecases)]
    workspace = reading_workspace(where) if dry_run else open_workspace(where)
    views, idle = [], []
    for name in names:
        now = machine_clock.now()
        files = unread_files(workspace.tables, name, now) if dry_run else remove_unread(workspace, name, now)
        versions = _to_archive(workspace, name, now) if dry_run else _archived(workspace, name, now)
        removed, archived = ("would_remove", "would_archive") if dry_run else ("removed", "archived")
        views.append({"usecase": name, removed: [asdict(each) for each in files], archived: versions})
        if not files and not versions:
            idle.append(name)
        if not json:
            _show(name, files, versions, dry_run)
    if json:
        as_json(views)
        return
    if idle:
        flowing(f"Nothing to remove or to archive: {listed(idle)}.")
    if dry_run and len(idle) < len(names):
        flowing("Nothing was changed.")


def _archived(workspace: Workspace, usecase: str, now: datetime) -> list[int]:
    from perennial.release.archiving import archive_models

    return [each.version for each in archive_models(workspace, usecase, now)]


def _to_archive(workspace: Workspace, usecase: str, now: datetime) -> list[int]:
    """The versions that would be moved now."""
    from perennial.release.archiving import old_models

    where, registry = workspace.settings, workspace.registry
    if where.model_archive is None:
        return []
    models = old_models(workspace.ledger, workspace.use_case(usecase).declaration, now, where.models_kept)
    return [model.version for model in models if registry.has_files(usecase, model)]


def _show(name: str, files: list[Unread], versions: list[int], dry_run: bool) -> None:
    for each in files:
        counts = f"{each.data:,} data files and {each.log:,} files of the log ({each.bytes / 1e6:,.1f} MB)"
        flowing(f"{name}: {each.table}: {'would remove' if dry_run else 'removed'} {counts}.")
    for version in versions:
        flowing(f"{name}: version {version}: {'would move' if dry_run else 'moved'} its files to the archive.")
