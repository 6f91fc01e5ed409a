"""`maintain`: remove what a home keeps and nothing reads."""

from __future__ import annotations

from dataclasses import asdict

from perennial.cli import machine_clock
from perennial.cli.declared import named_or_all
from perennial.cli.output import as_json, say
from perennial.settings import settings
from perennial.store.upkeep import Unread, remove_unread, unread_files
from perennial.store.workspace import open_workspace, reading_workspace


def maintain(usecase: str | None, dry_run: bool, json: bool) -> None:
    """Of one use case, or of all."""
    where = settings()
    names = [case.name for case in named_or_all(usecase, where.usecases)]
    workspace = reading_workspace(where) if dry_run else open_workspace(where)
    views = []
    for name in names:
        if dry_run:
            files = unread_files(workspace.tables, name, machine_clock.now())
        else:
            files = remove_unread(workspace, name, machine_clock.now())
        views.append({"usecase": name, "would_remove" if dry_run else "removed": [asdict(each) for each in files]})
        if not json:
            _show(name, files, dry_run)
    if json:
        as_json(views)


def _show(name: str, files: list[Unread], dry_run: bool) -> None:
    if not files:
        say(f"{name}: no table has a file that nothing reads.")
    for each in files:
        counts = f"{each.data:,} data files and {each.log:,} files of the log ({each.bytes / 1e6:,.1f} MB)"
        say(f"{name}: {each.table}: {'would remove' if dry_run else 'removed'} {counts}.")
    if files and dry_run:
        say("  Nothing was changed.")
