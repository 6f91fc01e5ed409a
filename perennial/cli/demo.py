"""`perennial demo`: the year 2013, month by month, and what to do next."""

from __future__ import annotations

from perennial.cli.output import say
from perennial.cli.running import flows_ready
from perennial.evaluation.figures import counted
from perennial.ledger.entries import BatchEntry, Cycle, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.release.words import HEADING, cycle_in_lines
from perennial.settings import Settings, settings

USECASE = "flights"


def replay() -> None:
    """Run the cycles of 2013 that are not done yet, after printing those that are."""
    where = settings()
    say("The year 2013, month by month: will a flight out of New York arrive more than")
    say("30 minutes late? Each month's flights are ingested, validated with Great")
    say("Expectations, used to evaluate the waiting challenger, then used to train the")
    say("next one. All of it runs as Prefect flows.")
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
    newest = ledger.all(USECASE, Decision)[-1].key
    say()
    say("Three things to do next:")
    say("  1. Open the page about this use case:")
    say(f"       {where.pages / USECASE}.html")
    say("  2. Ask why the newest decision came out as it did:")
    say(f"       .venv/bin/perennial decision {newest[:8]}")
    say("  3. Draft a use case from your own data:")
    say("       .venv/bin/perennial init DATA --target COLUMN")
    say()
    say("Also there:")
    say(f"  Prefect    {ui}/runs (until `make down`)")
    say(f"  Data Docs  {where.docs / USECASE / 'index.html'}")
    say(f"  MLflow     .venv/bin/mlflow ui --backend-store-uri {where.mlflow_tracking_uri}")
