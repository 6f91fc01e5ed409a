"""`ledger verify`: the hash chains, against heads and anchors that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perennial.cli.declared import in_ledger
from perennial.cli.output import as_json, flowing
from perennial.cli.reading import open_ledger
from perennial.errors import InputError
from perennial.evaluation.figures import counted
from perennial.governance.anchor_check import Covered
from perennial.governance.anchor_key import trusted_keys
from perennial.governance.verifying import Verified, anchors_of, verify_ledger
from perennial.ledger.chain import parse_head
from perennial.settings import settings


def verify(
    usecase: str | None,
    head: str | None,
    anchors: Sequence[str],
    keys: Sequence[str],
    authorities: Path | None,
    json: bool,
) -> None:
    """Raises LedgerBroken at the first row that is wrong, AnchorsBroken for an anchor that cannot be trusted.

    Raises InputError for a use case without rows or anchors.
    """
    if head is not None and usecase is None:
        raise InputError(
            "--head: belongs to one use case, which is missing: perennial ledger verify USECASE --head N:HASH"
        )
    if (keys or authorities) and not anchors:
        raise InputError(
            "is given without an anchor, and only those are signed",
            code="anchor-missing",
            field="key" if keys else "authority",
            fix="Give the place of the anchors too: --anchor FILE",
        )
    seen = parse_head(head) if head is not None else None
    ledger = open_ledger()
    read = anchors_of(anchors, trusted_keys(keys, settings().anchor_key), authorities) if anchors else {}
    known = {each.anchor.usecase for places in read.values() for each in places if each.anchor}
    if usecase is not None and seen is None and usecase not in known:
        in_ledger(ledger, usecase)
    if usecase is not None:
        ledger.verify(usecase, seen)
    chains = verify_ledger(ledger, usecase, read)
    if json:
        as_json([_view(chain) for chain in chains])
        return
    for chain in chains:
        kept = f"; it still contains the head {head}" if head else ""
        at = f", head {chain.newest.position}:{chain.newest.hash}" if chain.newest else ""
        flowing(f"{chain.usecase}: {counted(chain.rows, 'row', 'rows')}, all intact{kept}{at}")
        for place, proven in chain.covered.items():
            flowing(f"  {_covered_in_words(place, proven, chain.rows)}")
    if not chains:
        flowing("The ledger is empty.")


def _view(chain: Verified) -> dict[str, Any]:
    return {
        "usecase": chain.usecase,
        "rows": chain.rows,
        "hash": chain.newest.hash if chain.newest else None,
        "anchors": [{"place": place, **asdict(each)} for place, each in chain.covered.items()],
    }


def _covered_in_words(place: str, proven: Covered, rows: int) -> str:
    """What a place proves, and what it does not."""
    words = f"rows 1 to {proven.position} are as anchored in {place} ({counted(proven.anchors, 'anchor', 'anchors')})"
    words += f", the newest stamped at {proven.stamped_at}" if proven.stamped_at else ""
    if rows > proven.position:
        later = f"row {rows} came" if rows == proven.position + 1 else f"rows {proven.position + 1} to {rows} came"
        words += f"; {later} after its newest anchor"
    if proven.incomplete:
        numbers = ", ".join(map(str, proven.incomplete))
        words += f"; anchor {numbers} is incomplete, as after a power failure, and covered by a later one"
    return words
