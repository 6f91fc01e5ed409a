"""Commands that run flows: `run`, `ingest`, `watch`, `train`, `backfill`."""

from __future__ import annotations

import sys

from perennial.cli.json_views import batch_view
from perennial.cli.left_undone import done_in_words, held_in_words, left_in_words
from perennial.cli.live import naming_what_is_live
from perennial.cli.nothing_new import next_window, no_backfill_is_due, no_cycle_is_due, require_window, windows_left
from perennial.cli.output import as_json, flowing
from perennial.cli.reading import open_ledger
from perennial.cli.running import flows_ready
from perennial.cli.what_followed import trained_in_words
from perennial.errors import HeldBack
from perennial.ledger.entries import BatchEntry, Decision
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import frozen_decision, held_batches, held_labels, open_question
from perennial.settings import settings
from perennial.usecase.reading import load_use_case

HELD_BACK = HeldBack.exit_code


def run(usecase: str, window: str | None, dry_run: bool, json: bool) -> None:
    """One cycle."""
    case = load_use_case(usecase, settings().usecases)
    if dry_run:
        _show_due(usecase, [window] if window else next_window(case), json)
        return
    require_window(case, window)
    batch = None
    if window is not None or not no_cycle_is_due(usecase):
        with flows_ready(whole_cycle=True), naming_what_is_live(usecase):
            from flows.cycle import cycle

            batch = cycle(usecase, window)
    _show_batch(usecase, batch, json, in_brief=True)
    ledger = open_ledger()
    held = [each for each in held_batches(ledger, usecase) if batch is None or each.batch != batch.batch]
    decision = _undecided(ledger, usecase)
    left = left_in_words(ledger, usecase, held, held_labels(ledger, usecase), decision)
    for line in left if not json else ():
        flowing(line)
    of_batch = decision is not None and batch is not None and decision.batch == batch.window
    if of_batch or (left if batch is None else batch.status == "held"):
        sys.exit(HELD_BACK)


def ingest(usecase: str, window: str | None, json: bool) -> None:
    """One batch."""
    require_window(load_use_case(usecase, settings().usecases), window)
    with flows_ready(), naming_what_is_live(usecase):
        from flows.ingest import ingest as flow

        batch = flow(usecase, window)
    _show_batch(usecase, batch, json)
    if batch is not None and batch.status == "held":
        sys.exit(HELD_BACK)


def watch(usecase: str, window: str | None, json: bool) -> None:
    """One look at the champion."""
    load_use_case(usecase, settings().usecases)
    with flows_ready(), naming_what_is_live(usecase):
        from flows.watch import watch as flow

        health = flow(usecase, window)
    if json:
        as_json(health.model_dump(mode="json") if health else None)
        return
    if health is None:
        flowing(f"{usecase}: no batch has come yet.")
        return
    loss = (
        "unknown"
        if health.loss is None
        else f"{health.loss.value:.5f} ({health.loss.ci_low:.5f} to {health.loss.ci_high:.5f})"
    )
    flowing(
        f"{usecase}: {health.rows:,} rows, {health.labelled_rows:,} with labels, loss {loss}, action: {health.action}."
    )
    for alarm in health.alarms:
        flowing(f"  {alarm.channel}: {alarm.detail}")


def train(usecase: str, reason: str, json: bool) -> None:
    """One challenger, asked for by a person. Exit code 0 too where too little is known for one: nothing went wrong."""
    load_use_case(usecase, settings().usecases)
    with flows_ready(), naming_what_is_live(usecase):
        from flows.train import train as flow
        from perennial.ledger.entries import Trigger
        from perennial.training.readiness import NotYet

        challenger = flow(usecase, Trigger(kind="person", detail=reason))
    if isinstance(challenger, NotYet):
        if json:
            as_json({"usecase": usecase, "not_trained": challenger.why})
        else:
            flowing(f"{usecase}: no challenger yet: {challenger.why}.")
    elif json:
        as_json(challenger.model_dump(mode="json") if challenger else None)
    elif challenger is not None:
        for line in trained_in_words(open_ledger(), usecase, challenger):
            flowing(line)


def backfill(usecase: str, first: str | None, last: str | None, dry_run: bool, json: bool) -> None:
    """All that is left to do."""
    case = load_use_case(usecase, settings().usecases)
    if dry_run:
        _show_due(usecase, windows_left(case, first, last), json)
        return
    done: list[BatchEntry] = []
    named = first is not None or last is not None
    if named:
        windows_left(case, first, last)  # a range that cannot be is refused before a server is started
    if named or not no_backfill_is_due(usecase):
        with flows_ready(whole_cycle=True), naming_what_is_live(usecase):
            from flows.backfill import backfill as flow

            done = flow(usecase, first, last)
    ledger = open_ledger()
    left = left_in_words(
        ledger, usecase, held_batches(ledger, usecase), held_labels(ledger, usecase), _undecided(ledger, usecase)
    )
    if json:
        as_json([batch_view(usecase, batch) for batch in done])
    for line in done_in_words(usecase, done, left, settings().pages) if not json else ():
        flowing(line)
    if left:
        sys.exit(HELD_BACK)


def _show_due(usecase: str, windows: list[str], json: bool) -> None:
    """Which batches a command would run the cycle of."""
    if json:
        as_json({"usecase": usecase, "would_run": windows})
    elif windows:
        flowing(f"{usecase}: would run the cycle of {', '.join(windows)}. Nothing was changed.")
    else:
        flowing(f"{usecase}: no batch is due.")


def _show_batch(usecase: str, batch: BatchEntry | None, json: bool, *, in_brief: bool = False) -> None:
    """in_brief: without warnings and notes, which the line of a cycle has already."""
    if json:
        as_json(batch_view(usecase, batch) if batch else None)
    elif batch is None:
        flowing(f"{usecase}: the source has nothing new.")
    elif batch.status == "held":
        flowing(held_in_words(usecase, batch))
    else:
        rows = batch.rows
        flowing(
            f"{usecase}: batch {batch.window}: {rows.arrived:,} rows arrived, {rows.accepted:,} accepted, "
            f"{rows.quarantined:,} set aside."
        )
        for warning in batch.warnings if not in_brief else ():
            flowing(f"  warning: {warning}")
        for note in batch.notes if not in_brief else ():
            flowing(f"  note: {note}")


def _undecided(ledger: Ledger, usecase: str) -> Decision | None:
    """The newest decision, where a guard blocked it, a person has to decide, or releases are frozen."""
    if (frozen := frozen_decision(ledger, usecase)) is not None:
        return frozen
    decisions = ledger.all(usecase, Decision)
    newest = decisions[-1].payload if decisions else None
    return newest if newest is not None and newest.outcome == "blocked" else open_question(ledger, usecase)
