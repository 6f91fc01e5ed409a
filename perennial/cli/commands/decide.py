"""Commands of a person who decides: `approve`, `refuse`, `rollback`, `resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.options import DecisionId, DryRun, Json, Proven, Reason, Usecase


def approve(id: DecisionId, reason: Reason, by: Proven = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Release the challenger of a decision that waits for you.

    Where several roles have to approve (`governance.approvers`), it is released once the last one has.
    """
    from perennial.cli import approving

    approving.approve(id, by, reason, dry_run, json)


def refuse(id: DecisionId, reason: Reason, by: Proven = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Refuse a decision that waits for you.

    Its challenger is not released. The next one is trained and decided anew.
    """
    from perennial.cli import approving

    approving.refuse(id, by, reason, dry_run, json)


def rollback(
    usecase: Usecase,
    reason: Reason,
    by: Proven = None,
    seen: Annotated[
        int | None,
        typer.Option("--from", min=1, help="number of the release to roll back; needed to go back more than once"),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Bring the former champion back, as a new release.

    Its features and data version come back with it. Repeating the command changes nothing more. To go further back,
    give the number of the rollback's release: `--from 4`.
    """
    from perennial.cli import approving

    approving.rollback(usecase, reason, by, seen, dry_run, json)


def resume(usecase: Usecase, reason: Reason, by: Proven = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Release again after an episode has frozen releases.

    If the last decision releases a model, it is carried out now.
    """
    from perennial.cli import resuming

    resuming.resume(usecase, by, reason, dry_run, json)
