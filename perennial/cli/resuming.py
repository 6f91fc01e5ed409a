"""`resume`: end a freeze of releases, and carry out what it kept back. Repeating it has the effect of one."""

from __future__ import annotations

from typing import Any

from perennial.cli import machine_clock
from perennial.cli.acting import acting_person
from perennial.cli.approving import given
from perennial.cli.output import as_json, flowing
from perennial.cli.reading import open_ledger
from perennial.ledger.present import freezes, frozen_decision, time_of
from perennial.processes.following import follow_release
from perennial.release.resume import Resumed
from perennial.settings import settings
from perennial.store.workspace import RUN, Workspace, open_workspace
from perennial.usecase.reading import load_use_case


def resume(usecase: str, by: str | None, reason: str, dry_run: bool, json: bool) -> None:
    """Raises ModelUnloadable, with nothing changed, where the model to release is gone; ReleaseLost, LedgerBroken."""
    given("--reason", reason)
    if dry_run:
        acting_person(by, load_use_case(usecase, settings().usecases).declaration)
        ledger = open_ledger()
        planned = Resumed(tuple(freezes(ledger, usecase)), frozen_decision(ledger, usecase), None)
        _show(usecase, planned, json, done=False)
        return
    workspace = open_workspace(settings())
    person = acting_person(by, workspace.use_case(usecase).declaration)
    with workspace.only_one(usecase, RUN):
        resumed = _resume(workspace, usecase, person.name, reason)
    _show(usecase, resumed, json, done=True)


def _resume(workspace: Workspace, usecase: str, by: str, reason: str) -> Resumed:
    from perennial.model.released import load_model
    from perennial.release.resume import resume_and_release

    ledger, registry = workspace.ledger, workspace.registry
    now = time_of(ledger, workspace.use_case(usecase).declaration, machine_clock.now())
    resumed = resume_and_release(
        ledger, usecase, by, reason, now, lambda decision: load_model(registry, usecase, decision.challenger)
    )
    if made := resumed.made:
        done = f"release {made.release_no} is recorded: {made.are_live} by the ledger"
    else:
        done = "the end of the freeze is recorded"
    if made or resumed.ended:
        follow_release(workspace, usecase, done)
    return resumed


def _show(usecase: str, resumed: Resumed, json: bool, *, done: bool) -> None:
    ended, decision, made = resumed.ended, resumed.decision, resumed.made
    if json:
        view: dict[str, Any] = {"usecase": usecase, "ended": [each.model_dump(mode="json") for each in ended]}
        view |= {"decision": decision.id if decision else None}
        as_json(view | ({"release": made.model_dump(mode="json") if made else None} if done else {"dry_run": True}))
        return
    episodes = ", ".join(each.episode for each in ended)
    if not ended:
        flowing(f"{usecase}: releases are not frozen.")
    elif done:
        flowing(f"{usecase}: releases are resumed; they were frozen because of {episodes}.")
    else:
        flowing(f"{usecase}: releases are frozen because of {episodes} and would be resumed.")
    if made is not None:
        flowing(f"  {made.are_live} as release {made.release_no}, by decision {made.decision}.")
    elif decision is not None:
        flowing(f"  Version {decision.challenger.version} would be released, by decision {decision.id}.")
    if not done:
        flowing("  Nothing was changed.")
