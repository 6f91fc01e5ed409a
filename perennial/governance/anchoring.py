"""Anchoring: the newest head of a chain, signed, to every place that is set. A newer anchor covers the older ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from perennial.clock import write_instant
from perennial.errors import InputError, LedgerBroken, PerennialError
from perennial.fault_points import write
from perennial.governance.anchor import Anchor, newest_anchor
from perennial.governance.anchor_check import RESTORE
from perennial.governance.anchor_key import signing_key
from perennial.governance.anchored import Anchored, anchored_at, keep_anchored
from perennial.governance.places import Place, open_place
from perennial.governance.signed_note import PublicKey
from perennial.ledger.chain import Head
from perennial.ledger.ledger import Ledger
from perennial.settings import Settings
from perennial.store.workspace import Workspace


def require_places(where: Settings) -> None:
    """Raise InputError if no place is set, or no key to sign with."""
    if not where.anchors:
        raise InputError(
            "it is not set, so there is no place to anchor in",
            code="anchor-place-invalid",
            field="PERENNIAL_ANCHORS",
            fix="Set it to file:/mnt/anchors.txt, git:/path/to/repository, https://host/path or tsa:https://host/path.",
        )
    signing_key(where.anchor_key)


def anchor_head(workspace: Workspace, usecase: str, now: datetime) -> list[Anchored]:
    """Anchor the end of a use case's chain in every place, and return the state of each; none for an empty chain.

    A place that has this head already is left as it is. One that fails is tried again with the next head.
    """
    newest = workspace.ledger.newest(usecase)
    if newest is None:
        return []
    anchor = Anchor(usecase, Head(newest.position, newest.hash))
    with workspace.only_one("anchors", "anchor"):
        states = anchored_at(workspace.settings, usecase)
        for address, state in states.items():
            try:
                _deliver(workspace, open_place(address, workspace.settings.anchored), state, anchor)
            except PerennialError as problem:
                states[address] = replace(state, failed=str(problem).partition("\n")[0])
            else:
                at = state.at if state.head == newest.head else write_instant(now)
                states[address] = Anchored(state.place, newest.head, at)
        keep_anchored(workspace.settings, usecase, states)
    return list(states.values())


def _deliver(workspace: Workspace, place: Place, state: Anchored, anchor: Anchor) -> None:
    key = signing_key(workspace.settings.anchor_key)
    if not _has(place, state, workspace.ledger, anchor, key.public):
        with write("anchor"):
            place.add(anchor, anchor.signed(key))
    elif state.failed:
        place.finish()


def _has(place: Place, state: Anchored, ledger: Ledger, anchor: Anchor, key: PublicKey) -> bool:
    """Whether a place has this anchor already. Raises LedgerBroken if the chain lacks the newest one that it has."""
    text = place.read()
    if text is None:
        return state.head == f"{anchor.head.position}:{anchor.head.hash}"
    last = newest_anchor(text, anchor.usecase, key)
    if last is None or last == anchor:
        return last is not None
    row = next(iter(ledger.after(anchor.usecase, last.head.position - 1)), None)
    if row is None or row.hash != last.head.hash:
        raise LedgerBroken(
            f"{anchor.usecase}: the ledger no longer contains row {last.head.position} as it was anchored in "
            f"{place.shown}: it was truncated or rewritten, so nothing is anchored there",
            fix=RESTORE,
        )
    return False
