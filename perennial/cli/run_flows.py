"""Commands that run flows: `run`, `ingest`, `watch`, `train`, `backfill`."""

from __future__ import annotations

import sys

from perennial.cli.json_views import batch_view
from perennial.cli.live import naming_what_is_live
from perennial.cli.output import as_json, say
from perennial.cli.running import flows_ready
from perennial.errors import HeldBack
from perennial.ledger.entries import BatchEntry, Decision
from perennial.settings import settings
from perennial.usecase.reading import load_use_case

HELD_BACK = HeldBack.exit_code


def run(usecase: str, window: str | None, json: bool) -> None:
    """One cycle."""
    load_use_case(usecase, settings().usecases)
    with flows_ready(), naming_what_is_live(usecase):
        from flows.cycle import cycle

        batch = cycle(usecase, window)
    _tell_batch(usecase, batch, json)
    if batch is not None and (batch.status == "held" or _was_held_back(usecase, batch.window)):
        sys.exit(HELD_BACK)


def ingest(usecase: str, window: str | None, json: bool) -> None:
    """One batch."""
    load_use_case(usecase, settings().usecases)
    with flows_ready(), naming_what_is_live(usecase):
        from flows.ingest import ingest as flow

        batch = flow(usecase, window)
    _tell_batch(usecase, batch, json)
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
        say(f"{usecase}: no batch has come yet.")
        return
    loss = (
        "unknown"
        if health.loss is None
        else f"{health.loss.value:.5f} ({health.loss.ci_low:.5f} to {health.loss.ci_high:.5f})"
    )
    say(f"{usecase}: {health.rows:,} rows, {health.labelled_rows:,} with labels, loss {loss}, action: {health.action}.")
    for alarm in health.alarms:
        say(f"  {alarm.channel}: {alarm.detail}")


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
            say(f"{usecase}: no challenger yet: {challenger.why}. Nothing was changed.")
    elif json:
        as_json(challenger.model_dump(mode="json") if challenger else None)
    elif challenger is not None:
        say(f"{usecase}: version {challenger.model.version} (challenger {challenger.challenger}) waits to be judged.")


def backfill(usecase: str, first: str | None, last: str | None, json: bool) -> None:
    """All that is left to do."""
    load_use_case(usecase, settings().usecases)
    with flows_ready(), naming_what_is_live(usecase):
        from flows.backfill import backfill as flow

        done = flow(usecase, first, last)
    if json:
        as_json([batch_view(usecase, batch) for batch in done])
    else:
        say(f"{usecase}: {len(done)} cycles done." if done else f"{usecase}: nothing is left to do.")
    if any(batch.status == "held" for batch in done):
        sys.exit(HELD_BACK)


def _tell_batch(usecase: str, batch: BatchEntry | None, json: bool) -> None:
    if json:
        as_json(batch_view(usecase, batch) if batch else None)
    elif batch is None:
        say(f"{usecase}: the source has nothing new.")
    elif batch.status == "held":
        say(f"{usecase}: batch {batch.window} is held, no row of it counts: {'; '.join(batch.held_because)}")
    else:
        rows = batch.rows
        say(
            f"{usecase}: batch {batch.window}: {rows.arrived:,} rows arrived, {rows.accepted:,} accepted, "
            f"{rows.quarantined:,} set aside."
        )


def _was_held_back(usecase: str, window: str) -> bool:
    from perennial.cli.reading import open_ledger

    taken = [r.payload for r in open_ledger().all(usecase, Decision) if r.payload.batch == window]
    return bool(taken) and taken[-1].outcome in ("blocked", "held")
