"""Whether a chain still contains every head that was anchored, and from which row on it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perennial.errors import LedgerBroken, TerminalError
from perennial.evaluation.figures import counted
from perennial.governance.anchor import Anchor, ReadAnchor

RESTORE = "Keep both as evidence, and restore the ledger from a backup; release nothing until then."


class AnchorsBroken(TerminalError):
    """The anchors of a place cannot be trusted: one was changed, or signed with another key."""

    code = "anchor-changed"


@dataclass(frozen=True)
class Covered:
    """What a place's anchors prove about a chain: how many there are, and that rows 1 to `position` are as they were.

    incomplete: numbers of anchors that were cut short, as by a power failure, and that a later one covers.
    stamped_at: the time that an authority signed for the newest of them, empty if none did.
    """

    anchors: int
    position: int
    incomplete: tuple[int, ...]
    stamped_at: str = ""


def refuse_untrusted(place: str, read: Sequence[ReadAnchor]) -> None:
    """Raise AnchorsBroken for the first anchor that is not what a trusted key signed.

    An incomplete one is accepted if a trusted one follows.
    """
    last = max((each.number for each in read if each.trust == "trusted"), default=0)
    for each in read:
        at = f"{place}: anchor {each.number} (line {each.line})"
        if each.trust == "changed":
            raise AnchorsBroken(
                f"{at}{_states(each)} was changed after it was signed",
                fix="Compare it with the other places that you keep, and with heads that were printed or sent.",
            )
        if each.trust == "unknown_key":
            raise AnchorsBroken(
                f"{at}{_states(each)} is signed with the key {each.signer}, which is not among those given: the key "
                "was swapped, or replaced without your knowledge",
                code="anchor-key-unknown",
                fix="If the key was replaced on purpose, give the new public key as well as the former one.",
            )
        if each.trust == "incomplete" and each.number > last:
            raise AnchorsBroken(
                f"{at} is incomplete, and none follows that would cover it",
                code="anchor-incomplete",
                fix="If a power failure cut it short, the next anchor covers it. Otherwise it was changed.",
            )


def covered(place: str, usecase: str, hashes: Mapping[int, str], read: Sequence[ReadAnchor]) -> Covered:
    """What the anchors prove about a chain, given the hash of each of its rows by position.

    Raises LedgerBroken if the chain was cut or rewritten, AnchorsBroken if the place has no anchor of the use case.
    """
    mine = [each for each in read if each.trust == "trusted" and each.anchor and each.anchor.usecase == usecase]
    anchors = [each.anchor for each in mine if each.anchor]
    if not anchors:
        raise AnchorsBroken(
            f"{usecase}: {place} has no anchor of this use case: none was written, or all were removed",
            code="anchor-none",
            fix="Anchor it now if none was written before.",
        )
    wrong = [each for each in anchors if hashes.get(each.head.position) != each.head.hash]
    if wrong:
        raise _broken(place, usecase, hashes, anchors, min(wrong, key=lambda each: each.head.position))
    incomplete = tuple(each.number for each in read if each.trust == "incomplete")
    newest = max(anchors, key=lambda each: each.head.position)
    stamped = next((each.stamped_at for each in mine if each.anchor == newest), "")
    return Covered(len(anchors), newest.head.position, incomplete, stamped)


def _broken(
    place: str, usecase: str, hashes: Mapping[int, str], anchors: Sequence[Anchor], first: Anchor
) -> LedgerBroken:
    """first: the lowest anchored head that the chain does not contain."""
    position, rows = first.head.position, max(hashes, default=0)
    intact = max((each.head.position for each in anchors if each.head.position < position), default=0)
    since = f"rows 1 to {intact} are as they were anchored" if intact else "no anchor covers an earlier row"
    if position > rows:
        newest = max(each.head.position for each in anchors)
        return LedgerBroken(
            f"{usecase}: the ledger was truncated after row {rows}: {place} has an anchor of row {newest}, so at least "
            f"{counted(newest - rows, 'row', 'rows')} were cut off; {since}",
            code="ledger-truncated",
            fix=RESTORE,
        )
    return LedgerBroken(
        f"{usecase}: the ledger was rewritten from a row between {intact + 1} and {position} on: row {position} has "
        f"the hash {hashes[position]}, but was anchored in {place} with {first.head.hash}; {since}",
        code="ledger-rewritten",
        fix=RESTORE,
    )


def _states(each: ReadAnchor) -> str:
    return f" of {each.anchor.usecase}, row {each.anchor.head.position}," if each.anchor else ""
