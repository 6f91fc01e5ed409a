"""`replay`: recompute decisions from the record."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial

from perennial.cli.decisions import find_decision
from perennial.cli.output import as_json, flowing, working
from perennial.deciding.replay import NOT_AT_HAND, TOLERANCE, Replayed, replay_deep, replay_sums
from perennial.evaluation.figures import counted
from perennial.ledger.entries import Decision, StageLooked
from perennial.ledger.erased import erased_by_all
from perennial.release.stages_replay import replay_look
from perennial.serving.skew import candidates_again
from perennial.settings import settings
from perennial.store.workspace import reading_workspace


def replay(which: str, deep: bool, json: bool) -> None:
    """Exit code 1 if a number differs or cannot be compared.

    Raises LedgerBroken, and InputError for an id that names no decision.

    Deep and for a whole use case, the looks at stages are computed again too.
    """
    workspace = reading_workspace(settings())
    ledger = workspace.ledger
    rows = ledger.all(which, Decision) if ledger.newest(which) else [find_decision(ledger, which)]
    for usecase in {row.payload.usecase for row in rows}:
        ledger.verify(usecase)
    replayed: list[Replayed] = []
    for number, row in enumerate(rows, start=1):
        with working(f"recomputing decision {number} of {len(rows)}"):
            again = replay_deep(ledger, workspace.tables, workspace.registry, row) if deep else replay_sums(ledger, row)
        replayed.append(again)
        if not json:
            _say(again)
    if deep and ledger.newest(which):
        recomputed = partial(candidates_again, workspace, which)
        for look in ledger.all(which, StageLooked):
            replayed.append(replay_look(ledger, workspace.tables, which, look, recomputed))
            if not json:
                _say(replayed[-1])
    if json:
        as_json([asdict(each) for each in replayed])
    elif not rows:
        flowing(f"{which}: no decision yet.")
    elif erased := [each.erased for each in replayed if each.erased]:
        why = erased[0] if len(erased) == 1 else erased_by_all(ledger, rows[0].payload.usecase)
        flowing(f"Rows and models that are gone were not compared, because {why}.")
    if any(each.difference is not None for each in replayed):
        sys.exit(1)


def _say(again: Replayed) -> None:
    label = f"{again.decision} {again.batch} {again.outcome}:"
    if again.difference is None:
        how = "to the last bit" if again.exact else f"within {TOLERANCE:g}: the libraries have changed since"
        of = ", from the sums in the ledger" if again.erased else ""
        same = f"{counted(again.numbers, 'number', 'numbers')} the same{of}, {how}"
        flowing(f"{label} {same if again.numbers or not again.erased else 'nothing is left to compare'}")
        return
    difference = again.difference
    if difference.field in NOT_AT_HAND:
        flowing(f"{label} CANNOT BE COMPARED: its {difference.field} cannot be read\n  {difference.cause}")
        return
    known = difference.then is not None or difference.now is not None
    values = f" was {difference.then!r}, is {difference.now!r}" if known else ""
    flowing(f"{label} DIFFERS at {difference.field}{values}\n  likely cause: {difference.cause}")
