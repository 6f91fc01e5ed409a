"""The command line: which commands there are, in which groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from perennial.cli.commands import alerts, decide, fleet, govern, look, openlineage, operate, repair, run, start
from perennial.cli.grouping import InGroups

GROUPS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Start": (start.demo, start.init, start.check, start.schema),
    "Run": (run.run, run.backfill, run.ingest, run.watch, run.score, run.stage, run.train),
    "Look": (
        look.status,
        look.batches,
        look.decisions,
        look.decision,
        look.plan,
        look.calibrate,
        look.backtest,
        look.worth,
        look.page,
        look.replay,
        look.prediction,
        look.lineage,
    ),
    "Decide": (decide.approve, decide.refuse, decide.rollback, decide.resume),
    "Govern": (
        govern.dossier,
        govern.erase,
        govern.retain,
        govern.anchor,
        govern.keys,
        govern.verify_model,
        govern.sign_model,
    ),
    "Repair": (repair.quarantine, repair.requeue, repair.waive, repair.doctor, repair.maintain),
    "Operate": (operate.up, operate.serve, operate.replay_traffic, operate.down, operate.deploy),
}

app = typer.Typer(
    name="perennial",
    cls=InGroups,
    help="Continuous training for tabular models: validated data, tested releases, a tamper-evident record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing help with Rich costs three times the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)
ledger = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
ledger.command()(look.verify)
messages = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
messages.callback()(alerts.alerts)
messages.command()(alerts.test)
messages.command()(alerts.send)
events = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
events.callback()(openlineage.openlineage)
events.command()(openlineage.send)
many = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
many.callback()(fleet.fleet)
many.command()(fleet.run)

for group, commands in GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=group)(command)
app.add_typer(
    ledger, name="ledger", help="Check that nobody changed the record of what happened.", rich_help_panel="Look"
)
app.add_typer(
    messages, name="alerts", help="List alert routes and what could not be sent; test them.", rich_help_panel="Operate"
)
app.add_typer(
    events,
    name="openlineage",
    help="List receivers of lineage events; send what they lack.",
    rich_help_panel="Operate",
)
app.add_typer(many, name="fleet", help="List all use cases, worst first; run what is due.", rich_help_panel="Look")
