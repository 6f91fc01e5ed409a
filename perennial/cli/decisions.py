"""Decisions: `decisions` lists them, `decision` explains one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from perennial.cli.declared import require_known
from perennial.cli.json_views import decision_view
from perennial.cli.output import as_json, flowing, is_terminal, say
from perennial.cli.prose import prose
from perennial.cli.reading import open_ledger
from perennial.cli.tables import Column, table
from perennial.cli.what_followed import what_followed
from perennial.clock import instant
from perennial.errors import InputError
from perennial.evaluation.figures import between, change, counted, enumerated, figure
from perennial.evaluation.results import MetricResult
from perennial.ledger.entries import Decision, Served
from perennial.ledger.erased import erased_among
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import answer_to
from perennial.release.brief import decision_in_brief
from perennial.release.words import bound_in_words, decision_in_words, outcome_word
from perennial.settings import settings
from perennial.store.known import known_at

SHORT_ID = 8
"""Digits of an id that a terminal shows: any four or more name the decision."""

COLUMNS = (
    Column("id"),
    Column("batch"),
    Column("champion", right=True, gives_way=5),
    Column("challenger", right=True, gives_way=3),
    Column("loss", gives_way=2),
    Column("gain", gives_way=1),
    Column("95 % interval", gives_way=1),
    Column("rows", right=True, gives_way=4),
    Column("clusters", right=True, gives_way=4),
    Column("outcome"),
)


def decisions(usecase: str, json: bool, wide: bool) -> None:
    """Every decision, in the order in which they were taken."""
    ledger = open_ledger()
    require_known(usecase, settings().usecases, ledger)
    taken = ledger.all(usecase, Decision)
    if json:
        as_json([decision_view(ledger, row) for row in taken])
        return
    if not taken:
        say(f"{usecase}: no decision yet.")
        return
    metrics = {row.payload.metrics[0].name for row in taken}
    short = is_terminal() and not wide
    lines = [cells for row in taken for cells in lines_of(row.payload, metrics, short=short)]
    table(columns_of(metrics), lines, wide=wide)
    for row in taken:
        if words := bound_in_words(row.payload):
            flowing(f"{row.payload.batch}, version {row.payload.challenger.version}: {words}")


def columns_of(metrics: set[str]) -> tuple[Column, ...]:
    """The columns of the list, with the metric as a heading if all decisions have the same."""
    (name,) = metrics if len(metrics) == 1 else ("loss",)
    return tuple(replace(column, heading=name) if column.heading == "loss" else column for column in COLUMNS)


def lines_of(decision: Decision, metrics: set[str], *, short: bool) -> list[tuple[str, ...]]:
    """The line of what was evaluated; after a mixture's, one of the challenger if it is preferred alone.

    metrics: of all decisions; where there are several, each loss has its own beside it.
    """
    alone, outcome, mixture = str(decision.challenger.version), outcome_word(decision), decision.mixture
    if mixture is None:
        return [_cells(decision, alone, decision.metrics[0], outcome, metrics, short=short)]
    preferred = mixture.alone_is_live
    mixed = _cells(
        decision,
        _numbers(mixture.members),
        decision.metrics[0],
        "passed" if preferred else outcome,
        metrics,
        short=short,
    )
    of_alone = [_cells(decision, alone, decision.of_released[0], outcome, metrics, short=short)] if preferred else []
    return [mixed, *of_alone]


def _cells(
    decision: Decision, evaluated: str, primary: MetricResult, outcome: str, metrics: set[str], *, short: bool
) -> tuple[str, ...]:
    metric = f"{primary.name} " if len(metrics) > 1 else ""
    return (
        decision.id[:SHORT_ID] if short else decision.id,
        decision.batch,
        _numbers(decision.live) if decision.live else f"{decision.champion.version}" if decision.champion else "naive",
        evaluated,
        f"{metric}{figure(primary.champion)} → {figure(primary.challenger)}",
        change(primary.gain),
        between(primary.ci_low, primary.ci_high),
        f"{decision.evaluation.rows:,}",
        str(decision.evaluation.clusters),
        outcome,
    )


def _numbers(serves: Sequence[Served]) -> str:
    return "+".join(str(each.model.version) for each in serves)


def decision(id: str, json: bool, wide: bool, full: bool = False) -> None:
    """On one screen; in full with everything that is recorded.

    Raises InputError for an id that names no decision, or more than one.
    """
    ledger = open_ledger()
    row = find_decision(ledger, id)
    taken = row.payload
    examples = _newly_wrong(taken) if taken.flips and taken.flips.negative and taken.flips.negative.share else []
    if json:
        as_json({**decision_view(ledger, row), "newly_wrong": examples})
        return
    in_words = decision_in_words if full else decision_in_brief
    prose(in_words(taken, answer_to(ledger, taken)), wide=wide)
    say()
    for sentence in what_followed(ledger, taken):
        flowing(sentence)
    known = known_at(ledger.before(row.position), taken.usecase, instant(taken.as_of))
    if erased := erased_among(ledger, taken.usecase, known.batches):
        flowing(f"Since then {erased}. The sums of the decision stay.")
    if full:
        flowing(f"Row {row.position} of the ledger: {row.position}:{row.hash}")
        _show_examples(taken, examples, wide)
    else:
        flowing(f"{_more(taken, examples)}: perennial decision {taken.id[:SHORT_ID]} --full")


def _more(taken: Decision, examples: list[dict[str, str]]) -> str:
    """What the full decision has besides."""
    parts = [
        counted(len(taken.metrics), "metric", "metrics") + " with other methods' intervals",
        counted(len(taken.slices), "slice", "slices") if taken.slices else "",
        counted(len(taken.bias.groups), "group", "groups") + " of persons" if taken.bias else "",
        counted(len(examples), "newly wrong row", "newly wrong rows") if examples else "",
        "the ledger row",
    ]
    return f"In full ({enumerated([part for part in parts if part])})"


def _show_examples(taken: Decision, examples: list[dict[str, str]], wide: bool) -> None:
    if not examples:
        return
    key = ", ".join(examples[0])
    wrong = taken.flips.negative if taken.flips else None
    of = f" of {round(wrong.share * taken.flips.rows):,}" if taken.flips and wrong else ""
    flowing(f"Newly wrong predictions by their key ({key}), the largest changes first ({len(examples)}{of} shown):")
    columns = [Column(name, gives_way=number if number > 3 else 0) for number, name in enumerate(examples[0])]
    table(columns, [tuple(str(value) for value in each.values()) for each in examples], wide=wide)


def _newly_wrong(taken: Decision) -> list[dict[str, str]]:
    from perennial.store.newly_wrong import newly_wrong_of
    from perennial.store.workspace import reading_workspace

    return newly_wrong_of(reading_workspace(settings()).tables, taken.usecase, taken.id)


def find_decision(ledger: Ledger, id: str, typed: str = "ID") -> Row[Decision]:
    """The decision of any use case whose id begins so. typed: the argument or option that named it.

    Raises InputError for none, or more than one.
    """
    if not re.fullmatch(r"[0-9a-f]{4,}", id):
        raise InputError(
            f"{typed}: {id!r} is not a decision id: give at least its first four digits (0 to 9, a to f); "
            "`perennial decisions USECASE` lists them"
        )
    matching = ledger.starting(Decision, id)
    if len(matching) != 1:
        what = "no decision" if not matching else f"{len(matching)} decisions"
        raise InputError(
            f"{typed}: {what} with an id that begins with {id!r}; `perennial decisions USECASE` lists them"
        )
    return matching[0]
