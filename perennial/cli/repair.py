"""Commands that put things right: `rollback`, `doctor`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from perennial.cli.output import as_json, say
from perennial.cli.reading import find_decision
from perennial.clock import write_instant
from perennial.errors import HeldBack
from perennial.ledger.entries import Release
from perennial.ledger.present import current_release, former_release, time_of
from perennial.store.workspace import open_workspace
from perennial.usecase.reading import list_use_cases


def rollback(usecase: str, reason: str, json: bool) -> None:
    """Raises HeldBack where there is nothing to go back to, ModelUnloadable where the former model is gone."""
    from perennial.model.released import load_champion
    from perennial.release.promote import mirror_alias, roll_back
    from tasks.page import refresh_page

    workspace = open_workspace()
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    release = current_release(ledger, usecase)
    if release is None:
        raise HeldBack(f"{usecase}: nothing was ever released, so there is nothing to go back to")
    former = former_release([r.payload for r in ledger.all(usecase, Release)])
    if former is not None:
        load_champion(workspace.registry, usecase, former)
    now = time_of(ledger, case.declaration)
    made = roll_back(ledger, usecase, now, reason, release.release_no).payload
    mirror_alias(ledger, workspace.registry, usecase)
    refresh_page(workspace, usecase)
    if json:
        as_json(made.model_dump(mode="json"))
        return
    say(
        f"{usecase}: version {made.champion.model.version} serves again as release {made.release_no} "
        f"(features {made.features_digest[:12]}, snapshot {made.snapshot}), instead of version "
        f"{release.champion.model.version}. Reason on record: {reason}"
    )


def approve(id: str, by: str, reason: str, json: bool) -> None:
    """Raises InputError for an unknown id, HeldBack where nobody is waited for, ReleaseLost where it is too late."""
    from perennial.model.released import load_model
    from perennial.release.promote import approve, mirror_alias
    from tasks.page import refresh_page

    workspace = open_workspace()
    ledger = workspace.ledger
    decision = find_decision(ledger, id).payload
    load_model(workspace.registry, decision.usecase, decision.challenger)
    made = approve(ledger, decision, by, reason).payload
    mirror_alias(ledger, workspace.registry, decision.usecase)
    refresh_page(workspace, decision.usecase)
    if json:
        as_json(made.model_dump(mode="json"))
        return
    version = decision.challenger.version
    say(f"{decision.usecase}: version {version} serves as release {made.release_no}, approved by {by}.")


def doctor(usecase: str | None, dry_run: bool, json: bool) -> None:
    """Exit code 1 where something is left that only a person can mend, or (dry run) that could be mended."""
    from perennial.release.doctor import examine

    workspace = open_workspace()
    names = [usecase] if usecase else list_use_cases(workspace.settings.usecases)
    told = []
    left = 0
    for name in names:
        workspace.use_case(name)
        with workspace.only_one(name, "ingest"), workspace.only_one(name, "train"):
            for difference in examine(
                workspace.ledger, workspace.tables, workspace.registry, name, write_instant(datetime.now(UTC))
            ):
                mended = difference.mend is not None and not dry_run
                if difference.mend is not None and not dry_run:
                    difference.mend()
                left += not mended
                told.append({"usecase": name, "what": difference.what, "way_out": difference.way_out, "mended": mended})
    if json:
        as_json(told)
    else:
        for item in told:
            done = "mended" if item["mended"] else "not mended"
            say(f"{item['usecase']}: {item['what']}\n  {done}: {item['way_out']}")
        if not told:
            say(f"{', '.join(names)}: ledger, tables and registry agree.")
    if left:
        sys.exit(1)
