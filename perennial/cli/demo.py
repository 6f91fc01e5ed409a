"""`perennial demo`: the year 2013, month by month, and where to look afterwards."""

from __future__ import annotations

from perennial.cli.output import say
from perennial.cli.running import flows_ready
from perennial.ledger.entries import BatchEntry, Cycle, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.release.words import HEADING, cycle_in_a_line
from perennial.settings import Settings, settings

USECASE = "flights"


def replay() -> None:
    """Run the cycles of 2013 that are not done yet, and tell the whole story."""
    where = settings()
    say("Perennial keeps a model good through 2013: will a flight out of New York arrive more than 30 minutes late?")
    say("Each month is landed, checked with Great Expectations, judges the waiting challenger, then is learned from.")
    with flows_ready() as server:
        from flows.backfill import backfill

        ledger = Ledger(where.database_url)
        say()
        say(HEADING)
        for line in _told_already(ledger):
            say(line)
        backfill(USECASE)
    _tell_where(where, ledger, server.ui)


def _told_already(ledger: Ledger) -> list[str]:
    cycles = {r.key: r.payload for r in ledger.all(USECASE, Cycle)}
    decisions = {r.key: r.payload for r in ledger.all(USECASE, Decision)}
    batches = [r.payload for r in ledger.all(USECASE, BatchEntry) if r.payload.batch in cycles]
    return [cycle_in_a_line(b, cycles[b.batch], decisions.get(cycles[b.batch].decision or "")) for b in batches]


def _tell_where(where: Settings, ledger: Ledger, ui: str) -> None:
    batches = [r.payload for r in ledger.all(USECASE, BatchEntry)]
    releases = ledger.all(USECASE, Release)
    rows = sum(b.rows.arrived for b in batches)
    accepted, aside = sum(b.rows.accepted for b in batches), sum(b.rows.quarantined for b in batches)
    unlabelled = sum(b.rows.unlabelled for b in batches)
    say()
    say(f"{rows:,} flights arrived, {accepted:,} were accepted, {aside:,} set aside with their reasons;")
    say(f"{unlabelled:,} of the accepted came without a label (cancelled or diverted) and train and judge nobody.")
    say(f"{len(releases)} releases; the chain of {ledger.verify(USECASE)} ledger rows is whole.")
    say()
    say("Look around:")
    say(f"  the page                   {where.pages / USECASE}.html")
    say(f"  Prefect (runs, artifacts)  {ui}/runs")
    say(f"  Data Docs                  {where.docs / USECASE / 'index.html'}")
    say(f"  MLflow (models, runs)      .venv/bin/mlflow ui --backend-store-uri {where.mlflow_tracking_uri}")
    say("  what serves, and why       .venv/bin/perennial status flights")
    say("  every decision             .venv/bin/perennial decisions flights")
    say(f"Everything lies in {where.home}. The Prefect server goes on running until `make down`.")
