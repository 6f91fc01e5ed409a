"""Commands that look at the record itself: `replay` and `ledger verify`."""

from __future__ import annotations

import sys
from dataclasses import asdict

from perennial.cli.output import as_json, say
from perennial.cli.reading import find_decision, open_ledger
from perennial.errors import InputError
from perennial.evaluation.figures import counted
from perennial.ledger.chain import parse_head
from perennial.ledger.entries import Decision
from perennial.settings import settings
from perennial.store.workspace import reading_workspace


def replay(which: str, deep: bool, json: bool) -> None:
    """Exit code 1 where anything came out otherwise. Raises LedgerBroken, InputError for what names no decision."""
    from perennial.deciding.replay import TOLERANCE, Replayed, replay_deep, replay_sums

    workspace = reading_workspace(settings())
    ledger = workspace.ledger
    rows = ledger.all(which, Decision) if ledger.newest(which) else [find_decision(ledger, which)]
    for usecase in {row.payload.usecase for row in rows}:
        ledger.verify(usecase)
    found: list[Replayed] = []
    for row in rows:
        again = replay_deep(ledger, workspace.tables, workspace.registry, row) if deep else replay_sums(ledger, row)
        found.append(again)
        if json:
            continue
        told = f"{again.decision} {again.batch} {again.outcome}:"
        if again.difference is None:
            how = "to the last bit" if again.exact else f"within {TOLERANCE:g}: the libraries are not those of then"
            say(f"{told} {counted(again.numbers, 'number', 'numbers')} the same, {how}")
        else:
            said = again.difference
            values = f" was {said.then!r}, is {said.now!r}" if said.then is not None or said.now is not None else ""
            say(f"{told} DIFFERS at {said.field}{values}\n  likely cause: {said.cause}")
    if json:
        as_json([asdict(each) for each in found])
    elif not rows:
        say(f"{which}: nothing was decided yet.")
    if any(each.difference is not None for each in found):
        sys.exit(1)


def verify(usecase: str | None, head: str | None, json: bool) -> None:
    """Raises LedgerBroken at the first row that is wrong, InputError for a use case without rows."""
    if head is not None and usecase is None:
        raise InputError("--head: it is of one use case; name that too: perennial ledger verify USECASE --head N:HASH")
    seen = parse_head(head) if head is not None else None
    ledger = open_ledger()
    if usecase is not None and seen is None and ledger.newest(usecase) is None:
        names = ledger.usecases()
        raise InputError(f"USECASE: the ledger has no row of {usecase!r}; it has {', '.join(names) or 'none at all'}")
    told = []
    for name in [usecase] if usecase else ledger.usecases():
        rows, newest = ledger.verify(name, seen), ledger.newest(name)
        told.append({"usecase": name, "rows": rows, "hash": newest.hash if newest else None})
        if not json:
            kept = f"; it still contains the head {head}" if head else ""
            at = f", head {newest.head}" if newest else ""
            say(f"{name}: {counted(rows, 'row', 'rows')}, each as it was written{kept}{at}")
    if json:
        as_json(told)
    elif not told:
        say("The ledger is empty.")
