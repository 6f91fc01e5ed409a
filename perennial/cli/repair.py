"""Commands of persons that put things right: `rollback`, `approve`, `doctor`. Repeating one has the effect of one."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.output import as_json, say
from perennial.cli.reading import find_decision
from perennial.clock import write_instant
from perennial.errors import HeldBack, InputError, on_record
from perennial.ledger.present import time_of
from perennial.release.rollback import RolledBack
from perennial.settings import settings
from perennial.store.workspace import RUN, Workspace, open_workspace
from perennial.usecase.reading import list_use_cases


def rollback(usecase: str, reason: str, seen: int | None, json: bool) -> None:
    """Raises HeldBack where there is nothing to go back to, ModelUnloadable where the former model is gone."""
    from perennial.model.released import load_champion
    from perennial.release.rollback import roll_back

    given("--reason", reason)
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    now = time_of(ledger, case.declaration, machine_clock.now())
    done = roll_back(
        ledger, usecase, now, reason, seen, lambda former: load_champion(workspace.registry, usecase, former)
    )
    made = done.row.payload
    follow_release(workspace, usecase, f"release {made.release_no} is recorded: {made.versions} is live by the ledger")
    if json:
        as_json(made.model_dump(mode="json"))
    elif done.made:
        say(
            f"{usecase}: {made.versions} is live again as release {made.release_no} "
            f"(features {made.features_digest[:12]}, snapshot {made.snapshot}), instead of "
            f"{done.taken_back.versions}. Reason on record: {made.reason}"
        )
    else:
        _say_already(usecase, done)
    if done.live.release_no != made.release_no:
        raise HeldBack(
            f"{usecase}: release {done.live.release_no} came after that and is live. To roll that back: "
            f"perennial rollback {usecase} --from {done.live.release_no} --reason TEXT"
        )


def _say_already(usecase: str, done: RolledBack) -> None:
    made = done.row.payload
    say(
        f"{usecase}: release {done.taken_back.release_no} was already rolled back to {made.versions} on "
        f"{done.row.recorded_at}, as release {made.release_no} (reason: {made.reason}). Nothing more was changed."
    )
    if done.live.release_no == made.release_no:
        say(f"  To go further back: perennial rollback {usecase} --from {made.release_no} --reason TEXT")


def approve(id: str, by: str, reason: str, json: bool) -> None:
    """Raises InputError for an unknown id, HeldBack where nobody is waited for, ReleaseLost where it is too late."""
    from perennial.model.released import load_model
    from perennial.release.promote import approve

    given("--by", by)
    given("--reason", reason)
    workspace = open_workspace(settings())
    ledger = workspace.ledger
    decision = find_decision(ledger, id).payload
    case = workspace.use_case(decision.usecase)
    load_model(workspace.registry, decision.usecase, decision.challenger)
    now = time_of(ledger, case.declaration, machine_clock.now())
    approval, row = approve(ledger, decision, by, reason, now)
    made, version = row.payload, decision.challenger.version
    follow_release(
        workspace,
        decision.usecase,
        f"the approval by {approval.by} and release {made.release_no} are recorded: {made.versions} is live by the "
        "ledger",
    )
    if json:
        as_json(made.model_dump(mode="json"))
    elif (approval.by, approval.reason) == (by, reason):
        say(f"{decision.usecase}: version {version} is live as release {made.release_no}, approved by {by}.")
    else:
        say(
            f"{decision.usecase}: already approved by {approval.by} on {approval.as_of} (reason: {approval.reason}); "
            f"version {version} became release {made.release_no}. Nothing more was recorded."
        )


def doctor(usecase: str | None, dry_run: bool, json: bool) -> None:
    """Exit code 1 where something is left that only a person can mend, or (dry run) that could be mended."""
    from perennial.release.doctor import examine

    workspace = open_workspace(settings())
    names = [usecase] if usecase else list_use_cases(workspace.settings.usecases)
    told: list[dict[str, Any]] = []
    left = 0
    for name in names:
        workspace.use_case(name)
        with workspace.only_one(name, RUN):
            for difference in examine(
                workspace.ledger, workspace.tables, workspace.registry, name, write_instant(machine_clock.now())
            ):
                mended = difference.mend is not None and not dry_run
                if difference.mend is not None and not dry_run:
                    with _after([item["what"] for item in told if item["mended"]]):
                        difference.mend()
                left += not mended
                way_out = difference.way_out + (f": `perennial rollback {name}`" if difference.go_back else "")
                told.append({"usecase": name, "what": difference.what, "way_out": way_out, "mended": mended})
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


def _after(repaired: list[str]) -> AbstractContextManager[None]:
    """An error inside says what was repaired before it."""
    return on_record(f"repaired before it: {'; '.join(repaired)}") if repaired else nullcontext()


def given(field: str, value: str) -> None:
    """Raise InputError for an empty word that the record needs."""
    if not value.strip():
        raise InputError(f"{field}: is empty; the record needs it")


def follow_release(workspace: Workspace, usecase: str, done: str) -> None:
    """Let MLflow's aliases and the page follow a release that is on record."""
    from perennial.release.promote import mirror_alias
    from tasks.page import refresh_page

    with on_record(done):
        mirror_alias(workspace.ledger, workspace.registry, usecase)
        refresh_page(workspace, usecase)
