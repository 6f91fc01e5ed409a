"""The rows on which the live champion was evaluated, read again for what watching compares with."""

from __future__ import annotations

from perennial.clock import instant
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.deciding.labelled_rows import EvaluationRows
from perennial.ledger.entries import ChallengerEntry, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.store.known import known_at
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration


def evaluated_champion(
    tables: Tables, ledger: Ledger, declaration: Declaration, release: Release
) -> EvaluationRows | None:
    """The rows of the decision that made the champion, as they were known then; None if no decision made it."""
    usecase, champion = declaration.name, release.champion.challenger
    made = [
        row
        for row in ledger.all(usecase, Decision)
        if row.payload.challenger_id == champion and row.payload.outcome in ("first", "release", "held")
    ]
    if not made:
        return None
    past, decision = ledger.before(made[-1].position), made[-1].payload
    challenger = past.get(usecase, ChallengerEntry, champion)
    if challenger is None:
        return None
    known = known_at(past, usecase, instant(decision.as_of))
    return evaluation_rows(tables, past, declaration, known, challenger.payload)
