"""Decisions: `decisions` lists them, `decision` explains one."""

from __future__ import annotations

import re

from perennial.cli.json_views import decision_view
from perennial.cli.output import as_json, is_terminal, say
from perennial.cli.prose import prose
from perennial.cli.reading import open_ledger
from perennial.cli.tables import Column, table
from perennial.errors import InputError
from perennial.evaluation.figures import between, change, figure
from perennial.ledger.entries import Approval, Decision
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import frozen_decision
from perennial.release.freeze import freezes_in_words
from perennial.release.words import approval_in_words, bound_in_words, decision_in_words, outcome_word
from perennial.settings import settings
from perennial.usecase.reading import load_use_case

SHORT_ID = 8
"""Digits of an id that a terminal shows: any four or more name the decision."""

COLUMNS = (
    Column("id"),
    Column("batch"),
    Column("champion", right=True, wide=True),
    Column("challenger", right=True),
    Column("loss", wide=True),
    Column("gain", roomy=True),
    Column("95 % interval", roomy=True),
    Column("rows", right=True, wide=True),
    Column("clusters", right=True, wide=True),
    Column("outcome"),
)


def decisions(usecase: str, json: bool, wide: bool) -> None:
    """Every decision, in the order in which they were taken."""
    load_use_case(usecase, settings().usecases)
    ledger = open_ledger()
    taken = ledger.all(usecase, Decision)
    if json:
        as_json([decision_view(ledger, row) for row in taken])
        return
    if not taken:
        say(f"{usecase}: no decision yet.")
        return
    table(COLUMNS, [_cells(row.payload, short=is_terminal() and not wide) for row in taken], wide=wide)
    for row in taken:
        if words := bound_in_words(row.payload):
            say(f"{row.payload.batch}, version {row.payload.challenger.version}: {words}")


def _cells(decision: Decision, *, short: bool) -> tuple[str, ...]:
    primary = decision.metrics[0]
    return (
        decision.id[:SHORT_ID] if short else decision.id,
        decision.batch,
        f"{decision.champion.version}" if decision.champion else "naive",
        str(decision.challenger.version),
        f"{primary.name} {figure(primary.champion)} → {figure(primary.challenger)}",
        change(primary.gain),
        between(primary.ci_low, primary.ci_high),
        f"{decision.evaluation.rows:,}",
        str(decision.evaluation.clusters),
        outcome_word(decision),
    )


def decision(id: str, json: bool, wide: bool) -> None:
    """Raises InputError for an id that names no decision, or more than one."""
    ledger = open_ledger()
    row = find_decision(ledger, id)
    taken = row.payload
    examples = _newly_wrong(taken) if taken.flips and taken.flips.negative and taken.flips.negative.share else []
    if json:
        as_json({**decision_view(ledger, row), "newly_wrong": examples})
        return
    prose(decision_in_words(taken), wide=wide)
    say()
    approval = ledger.get(taken.usecase, Approval, taken.id)
    if approval is not None:
        say(approval_in_words(approval.payload))
    kept_back = frozen_decision(ledger, taken.usecase)
    if kept_back is not None and kept_back.id == taken.id:
        say(
            f"Not released: {freezes_in_words(ledger, taken.usecase)}. To release: "
            f"perennial resume {taken.usecase} --by NAME --reason TEXT"
        )
    say(f"Row {row.position} of the ledger: {row.position}:{row.hash}")
    if examples:
        key = ", ".join(examples[0])
        wrong = taken.flips.negative if taken.flips else None
        of = f" of {round(wrong.share * taken.flips.rows):,}" if taken.flips and wrong else ""
        say(f"Newly wrong predictions by their key ({key}), the largest changes first ({len(examples)}{of} shown):")
        columns = [Column(name, wide=number > 3) for number, name in enumerate(examples[0])]
        table(columns, [tuple(str(value) for value in each.values()) for each in examples], wide=wide)


def _newly_wrong(taken: Decision) -> list[dict[str, str]]:
    from perennial.store.newly_wrong import newly_wrong_of
    from perennial.store.workspace import reading_workspace

    return newly_wrong_of(reading_workspace(settings()).tables, taken.usecase, taken.id)


def find_decision(ledger: Ledger, id: str) -> Row[Decision]:
    """The decision of any use case whose id begins so. Raises InputError for none, or more than one."""
    if not re.fullmatch(r"[0-9a-f]{4,}", id):
        raise InputError(
            f"ID: {id!r} is not a decision id: give at least its first four digits (0 to 9, a to f); "
            "`perennial decisions USECASE` lists them"
        )
    matching = ledger.starting(Decision, id)
    if len(matching) != 1:
        what = "no decision" if not matching else f"{len(matching)} decisions"
        raise InputError(f"ID: {what} with an id that begins with {id!r}; `perennial decisions USECASE` lists them")
    return matching[0]
