"""`doctor`: compare ledger, tables and registry, and repair what differs. Repeating it has the effect of one."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.declared import named_or_all
from perennial.cli.output import as_json, flowing
from perennial.clock import write_instant
from perennial.errors import on_record
from perennial.settings import settings, takes_writes
from perennial.store.workspace import RUN, Workspace, open_workspace, reading_workspace
from perennial.usecase.reading import list_use_cases


def doctor(usecase: str | None, dry_run: bool, json: bool) -> None:
    """Exit code 1 if something is left that only a person can repair, or with a dry run, that could be repaired.

    A declaration that cannot be read is left too. Without `json`, a cluster that large batches run on is asked for its
    workers at last.
    """
    from perennial.erasure.recording import left_unfinished
    from perennial.governance.not_anchored import not_anchored
    from perennial.release.doctor import examine
    from perennial.release.not_archived import not_archived
    from perennial.release.not_landed import not_landed

    workspace = reading_workspace(settings()) if dry_run else open_workspace(settings())
    folder = workspace.settings.usecases
    names = [case.name for case in named_or_all(usecase, folder)]
    left_out = usecase is None and len(names) < len(list_use_cases(folder))
    shown: list[dict[str, Any]] = []
    for name in names:
        workspace.use_case(name)
        with _turn(workspace, name, dry_run):
            now = machine_clock.now()
            for difference in chain(
                examine(workspace.ledger, workspace.tables, workspace.registry, name, write_instant(now)),
                not_landed(workspace, name),
                not_archived(workspace, name),
                not_anchored(workspace, name, now),
                left_unfinished(workspace, name),
            ):
                repaired = difference.mend is not None and not dry_run
                if difference.mend is not None and not dry_run:
                    with _after([item["what"] for item in shown if item["repaired"]]):
                        difference.mend()
                fix = difference.way_out + (
                    f": `perennial rollback {name} --reason TEXT`" if difference.go_back else ""
                )
                shown.append({"usecase": name, "what": difference.what, "fix": fix, "repaired": repaired})
    if json:
        as_json(shown)
    else:
        for item in shown:
            state = "repaired" if item["repaired"] else "to do"
            flowing(f"{item['usecase']}: {item['what']}\n  {state}: {item['fix']}")
        if not shown and names:
            flowing(f"{', '.join(names)}: ledger, tables and registry agree.")
        if workspace.engine.spreads:
            flowing(f"Large batches run on {workspace.engine.described()}.")
    if left_out or not all(item["repaired"] for item in shown):
        sys.exit(1)


def _turn(workspace: Workspace, usecase: str, dry_run: bool) -> AbstractContextManager[None]:
    """No run is under way inside. A dry run of a home that cannot be written cannot wait for one."""
    if dry_run and not takes_writes(workspace.settings.home):
        return nullcontext()
    return workspace.only_one(usecase, RUN)


def _after(repaired: list[str]) -> AbstractContextManager[None]:
    """An error inside reports what was repaired before it."""
    return on_record(f"repaired before it: {'; '.join(repaired)}") if repaired else nullcontext()
