"""Verifying a whole ledger: every chain from its first row, and against the anchors of places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perennial.errors import InputError
from perennial.governance.anchor import ReadAnchor, read_anchors
from perennial.governance.anchor_check import Covered, covered, refuse_untrusted
from perennial.governance.places.file import AnchorFile
from perennial.governance.places.git import AnchorRepository
from perennial.governance.signed_note import PublicKey
from perennial.governance.stamps import has_stamps, read_stamps
from perennial.ledger.chain import Head
from perennial.ledger.ledger import Ledger
from perennial.secrets import masked

_PLACES = "Give a file of anchors, a git repository with a branch of them, or a folder of time stamps."


@dataclass(frozen=True)
class Verified:
    """A chain that is intact. newest: its head, None if it has no rows. covered: by place, what its anchors prove."""

    usecase: str
    rows: int
    newest: Head | None
    covered: Mapping[str, Covered]


def anchors_of(
    given: Sequence[str], keys: Sequence[PublicKey], authorities: Path | None = None
) -> dict[str, list[ReadAnchor]]:
    """All anchors of places, by how a place is shown. given: a file, a git repository, or a folder of time stamps.

    authorities: the root certificates of time stamps.
    Raises InputError for a place that is missing or cannot be read back, AnchorsBroken for an untrusted anchor.
    """
    read = {}
    for address in given:
        path = _path(address)
        if path.is_dir() and has_stamps(path):
            shown, anchors = str(path), read_stamps(path, keys, authorities)
        else:
            place = AnchorRepository(path) if path.is_dir() else AnchorFile(path)
            shown, anchors = place.shown, read_anchors(place.read(), keys)
        if anchors and all(each.trust == "changed" and each.anchor is None for each in anchors):
            raise InputError(
                f"{shown} holds no anchor, but other text",
                code="anchor-place-invalid",
                field="anchor",
                value=address,
                fix=_PLACES,
            )
        refuse_untrusted(shown, anchors)
        read[shown] = anchors
    return read


def verify_ledger(ledger: Ledger, usecase: str | None, anchors: Mapping[str, Sequence[ReadAnchor]]) -> list[Verified]:
    """Each chain, or one, checked from its first row and against all anchors. Anchored chains must exist.

    Raises LedgerBroken at the first that is wrong, AnchorsBroken for a use case that a place has no anchor of.
    """
    anchored = {each.anchor.usecase for read in anchors.values() for each in read if each.anchor}
    names = [usecase] if usecase else sorted({*ledger.usecases(), *anchored})
    rows = {name: ledger.verify(name) for name in names}
    verified = []
    for name in names:
        hashes = ledger.hashes(name)
        proven = {place: covered(place, name, hashes, read) for place, read in anchors.items()}
        verified.append(
            Verified(name, rows[name], Head(rows[name], hashes[rows[name]]) if rows[name] else None, proven)
        )
    return verified


def _path(given: str) -> Path:
    """A path, or the path of an address."""
    kind, _, rest = given.partition(":")
    if kind in ("http", "https", "tsa"):
        raise InputError(
            f"{masked(given)} cannot be read back",
            code="anchor-place-invalid",
            field="anchor",
            fix="Give a file with the notes that it received, or the folder of its time stamps.",
        )
    path = Path(rest if kind in ("file", "git") else given).expanduser().resolve()
    if not path.exists():
        raise InputError(
            f"{path} does not exist",
            code="anchor-place-invalid",
            field="anchor",
            value=given,
            fix=_PLACES,
        )
    return path
