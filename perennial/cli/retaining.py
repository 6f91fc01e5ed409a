"""`retain`: remove what is older than its declared retention."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.declared import named_or_all
from perennial.cli.output import as_json, flowing
from perennial.erasure.retention import Over, over
from perennial.erasure.retention import retain as remove
from perennial.erasure.words import places_in_words
from perennial.errors import on_record
from perennial.ledger.entries import Erased
from perennial.settings import settings
from perennial.store.workspace import open_workspace, reading_workspace
from perennial.usecase.declaration import Retention


def retain(usecase: str | None, dry_run: bool, json: bool) -> None:
    """Of one use case, or of all that declare a retention."""
    workspace = reading_workspace(settings()) if dry_run else open_workspace(settings())
    views: list[dict[str, Any]] = []
    for name in [case.name for case in named_or_all(usecase, workspace.settings.usecases)]:
        declaration, made = workspace.use_case(name).declaration, None
        if usecase is None and declaration.retention == Retention():
            continue
        if dry_run:
            due = over(workspace, declaration, machine_clock.now())
        else:
            made, due = remove(workspace, declaration, machine_clock.now())
        if made is not None:
            from tasks.page import refresh_page

            with on_record(f"erasure {made.number} is recorded"):
                refresh_page(workspace, name)
        views.append(_view(name, made, due, dry_run))
        if not json:
            _show(name, made, due, dry_run)
    if json:
        as_json(views)
    elif not views:
        flowing("No use case declares a retention.")


def _view(name: str, made: Erased | None, due: Over, dry_run: bool) -> dict[str, Any]:
    outcome = {"would_erase": due.counts} if dry_run else {"made": made.model_dump(mode="json") if made else None}
    return {"usecase": name, **outcome, "kept": [asdict(each) for each in due.kept]}


def _show(name: str, made: Erased | None, due: Over, dry_run: bool) -> None:
    if dry_run and due.counts:
        flowing(f"{name}: would remove {places_in_words(due.counts)}. Nothing was changed.")
    elif made is not None:
        flowing(f"{name}: erasure {made.number} removed {places_in_words(made.counts)}, {made.reason}.")
    else:
        flowing(f"{name}: nothing is older than its retention, or it is needed.")
    for each in due.kept:
        flowing(f"  kept: {each.place}: {each.what}: {each.why}")
