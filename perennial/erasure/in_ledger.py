"""Values of erased rows in the ledger, from which nothing can be removed without breaking its chain."""

from __future__ import annotations

from collections import Counter

from perennial.erasure.own_texts import OwnTexts
from perennial.errors import InputError
from perennial.ledger.entries import KIND_OF
from perennial.ledger.ledger import Ledger


def rows_in_ledger(ledger: Ledger, usecase: str, own: OwnTexts) -> dict[str, int]:
    """Kind of row → how many have one of the texts that are no numbers; numbers there are computed from many rows."""
    words = OwnTexts(own.words)
    kinds = [
        KIND_OF[type(row.payload)] for row in ledger.after(usecase, 0) if words.inside(row.payload.model_dump_json())
    ]
    return dict(sorted(Counter(kinds).items()))


def refuse_what_stays(rows: dict[str, int], usecase: str) -> None:
    """Raise InputError if the ledger has a value of the rows."""
    if rows:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in rows.items())
        raise InputError(
            f"{usecase}: the ledger has a value that only these rows have, and nothing can be removed from it: {kinds}",
            code="erase-in-ledger",
            value=kinds,
            fix="A column of persons under evaluation.slices or cluster_by, or an example of why a batch was held, "
            "puts it there: declare another column, or make it a pseudonym in the source.",
        )
