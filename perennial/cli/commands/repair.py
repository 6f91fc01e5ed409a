"""Commands that put things right: `quarantine`, `requeue`, `waive`, `doctor`, `maintain`."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.options import AnyUsecase, Batch, DryRun, Json, Proven, Reason, Usecase


def quarantine(
    usecase: Usecase,
    batch: Batch = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="number of example rows for each reason")] = 3,
    json: Json = False,
) -> None:
    """Show what is set aside or held, why, and how to fix it."""
    from perennial.cli import quarantine as away

    away.quarantine(usecase, batch, rows, json)


def requeue(usecase: Usecase, batch: Batch = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Validate again what is set aside or held.

    Uses the current declaration. What passes becomes a new revision of the batch. Exit code 3: a batch stays held.
    """
    from perennial.cli import quarantine as away

    away.requeue(usecase, batch, dry_run, json)


def waive(
    usecase: Usecase,
    batch: Annotated[str, typer.Option("--batch", help="name of a batch, such as 2013-07")],
    reason: Reason,
    by: Proven = None,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="WORDS", help="first words of the check, as `quarantine` shows it; repeatable"),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Accept a batch despite a failed check.

    Exit code 3: the batch stays held for something else.
    """
    from perennial.cli import quarantine as away

    away.waive(usecase, batch, check or [], by, reason, dry_run, json)


def doctor(usecase: AnyUsecase = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Compare ledger, tables and registry, and repair differences.

    Exit code 1: something is left that needs a person.
    """
    from perennial.cli import repair

    repair.doctor(usecase, dry_run, json)


def maintain(usecase: AnyUsecase = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Remove files that nothing reads any more; archive old models.

    Those are data files that were replaced more than seven days ago, files that a killed run left, and entries of a
    table's log that are older than 30 days. Models are moved if PERENNIAL_MODEL_ARCHIVE is set. A schedule does this
    every week.
    """
    from perennial.cli import maintaining

    maintaining.maintain(usecase, dry_run, json)
