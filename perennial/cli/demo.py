"""`perennial demo`: the year 2013, month by month, and what to do next."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from perennial.cli.output import say, working
from perennial.cli.running import flows_ready
from perennial.evaluation.figures import counted, percent
from perennial.ledger.entries import BatchEntry, Cycle, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import accepted_batch
from perennial.release.words import HEADING, change_in_words, cycle_in_lines
from perennial.settings import Settings, settings
from perennial.store.workspace import reading_workspace

USECASE = "flights"


def replay() -> None:
    """Run the cycles of 2013 that are not done yet, after printing those that are."""
    where = settings()
    say("The year 2013, month by month: will a flight out of New York arrive more than")
    say("30 minutes late? Each month's flights are ingested and validated with Great")
    say("Expectations. A new model is trained without the newest 15 days and evaluated")
    say("on them at once, in a mix with what is live. If the mix is proven better it goes")
    say("live, or the new model alone, if it is better still. Prefect runs it all.")
    with flows_ready(whole_cycle=True, headed=True) as server:
        from flows.backfill import backfill

        ledger = Ledger(where.database_url)
        say()
        say(HEADING)
        for line in _finished_before(ledger):
            say(line)
        backfill(USECASE)
    _show_results(where, ledger, server.ui)


def _finished_before(ledger: Ledger) -> list[str]:
    cycles = {r.key: r.payload for r in ledger.all(USECASE, Cycle)}
    decisions = {r.key: r.payload for r in ledger.all(USECASE, Decision)}
    batches = [r.payload for r in ledger.all(USECASE, BatchEntry) if r.payload.batch in cycles]
    return [
        line
        for batch in batches
        for line in cycle_in_lines(batch, cycles[batch.batch], decisions.get(cycles[batch.batch].decision or ""))
    ]


def _show_results(where: Settings, ledger: Ledger, ui: str) -> None:
    batches = [r.payload for r in ledger.all(USECASE, BatchEntry)]
    releases = ledger.all(USECASE, Release)
    rows = sum(b.rows.arrived for b in batches)
    accepted, aside = sum(b.rows.accepted for b in batches), sum(b.rows.quarantined for b in batches)
    unlabelled = sum(b.rows.unlabelled for b in batches)
    say()
    say(f"{rows:,} flights arrived: {accepted:,} accepted, {aside:,} set aside with the reason.")
    say(f"{unlabelled:,} accepted flights have no label (cancelled or diverted); they are used for")
    say("neither training nor evaluation.")
    say(f"{counted(len(releases), 'release', 'releases')}; all {ledger.verify(USECASE)} rows of the ledger are intact.")
    if rolled_back := _rolled_back([row.payload for row in releases]):
        say(rolled_back)
    newest = ledger.all(USECASE, Decision)[-1].key
    _ask_the_service(where)
    say()
    say("Three things to do next:")
    say("  1. Open the page about this use case:")
    say(f"       {_near(f'{where.pages / USECASE}.html')}")
    say("  2. Ask why the newest decision came out as it did:")
    say(f"       .venv/bin/perennial decision {newest[:8]}")
    say("  3. Draft a use case from your own data:")
    say("       .venv/bin/perennial init DATA --target COLUMN")
    say()
    say("Also there:")
    say(f"  Prefect    {ui}/runs (until `make down`)")
    say(f"  Data Docs  {_near(where.docs / USECASE / 'index.html')}")
    say(f"  Dossier    .venv/bin/perennial dossier {USECASE}")
    say("  MLflow     .venv/bin/mlflow ui \\")
    say(f"               --backend-store-uri {_near(where.mlflow_tracking_uri)}")


def _rolled_back(releases: Sequence[Release]) -> str:
    """Which model a rollback brought back, which no month's line has; empty if the newest release is none."""
    if not releases or releases[-1].kind != "rollback":
        return ""
    changed = change_in_words(releases[-1], releases[-2])
    return f"{changed[0].upper()}{changed[1:]} (release {releases[-1].release_no})."


def _near(place: Path | str) -> str:
    """A path or address as seen from the working folder, which is shorter."""
    return str(place).replace(f"{Path.cwd()}{os.sep}", "")


def _ask_the_service(where: Settings) -> None:
    """Send the last flight of the year to a service, as a client would, and print the answer."""
    from perennial.processes.brief_service import brief_service, post

    record = _last_flight(where)
    say()
    say("The last flight of the year, sent to the scoring service as a client would:")
    with working("starting the service"), brief_service(where, USECASE) as port:
        answer = post(port, f"/usecases/{USECASE}/predict", record)
    flight, (prediction,) = json.loads(record), answer["predictions"]
    way = f"{flight['carrier']} {flight['flight']} from {flight['origin']} to {flight['dest']}"
    model = f"release {answer['release']}, version {answer['versions']}"
    say(f"  {way}: {percent(prediction['score'])} likely to be late,")
    say(f"  by {model}.")
    say("The prediction was logged before it was answered. To compute it again:")
    say(f"  .venv/bin/perennial prediction {prediction['id']} --replay")


def _last_flight(where: Settings) -> bytes:
    """The last flight of the newest batch, as the JSON of a request: the fields of a record, without the label."""
    from perennial.serving.fields import fields_of
    from perennial.serving.traffic import records_of

    workspace = reading_workspace(where)
    schema = (declaration := workspace.use_case(USECASE).declaration).schema_
    batch = accepted_batch(workspace.ledger, USECASE)
    rows = workspace.tables.read(USECASE, "accepted", [batch.batch]) if batch is not None else None
    assert rows is not None, "a batch was accepted"
    last = rows.sort_by([(name, "descending") for name in (schema.time, *schema.key)]).slice(0, 1)
    return next(records_of(last, fields_of(declaration)))
