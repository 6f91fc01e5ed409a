"""The commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="perennial",
    help="Keep a model good for years: continuous training for tabular models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing help with Rich costs three times the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)
ledger = typer.Typer(
    help="The record of what happened, and whether anybody changed it.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(ledger, name="ledger")


def _by_name(given: str | None) -> str | None:
    """One name everywhere: the file of a declaration stands for the use case that it declares."""
    if given is None or not ("/" in given or given.endswith((".yaml", ".yml"))):
        return given
    from perennial.settings import settings
    from perennial.usecase.reading import use_case_name

    return use_case_name(given, settings().usecases)


Usecase = Annotated[
    str, typer.Argument(help="name of a use case, as in its declaration", metavar="USECASE", callback=_by_name)
]
Batch = Annotated[str | None, typer.Option("--batch", help="the batch, for example 2013-07")]
Json = Annotated[bool, typer.Option("--json", help="print JSON with stable field names")]


@app.command()
def demo() -> None:
    """Replay New York's flights of 2013 month by month: taken in, checked, judged, released."""
    from perennial.cli.demo import replay

    replay()


@app.command()
def init(
    data: Annotated[str, typer.Argument(help="a CSV or Parquet file, or a folder of them", metavar="DATA")],
    target: Annotated[str | None, typer.Option("--target", help="the column to predict")] = None,
    time: Annotated[str | None, typer.Option("--time", help="the column that says when; guessed without it")] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="a column that names a row; repeatable; guessed without it")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="of the use case; from the file without it")] = None,
    json: Json = False,
) -> None:
    """Draft a declaration from a file: what was guessed, how sure it is, and what only you can say."""
    from perennial.cli import drafting

    drafting.init(data, target, time, key or [], name, json)


@app.command()
def check(
    usecase: Usecase,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="do not look at the source, and run nothing of the team's code")
    ] = False,
    json: Json = False,
) -> None:
    """Report every mistake in a declaration, with file, line and how to fix it.

    The next batch of the source is looked at, and the team's functions and the estimator are run on some of its rows.
    Nothing is written.
    """
    from perennial.cli import reading

    reading.check(usecase, json, run=not no_run)


@app.command()
def schema() -> None:
    """Print the JSON Schema of declarations, for editors."""
    from perennial.cli.output import as_json
    from perennial.usecase.schema import json_schema

    as_json(json_schema())


@app.command()
def run(usecase: Usecase, batch: Batch = None, json: Json = False) -> None:
    """Run one full cycle: take a batch in, watch, decide, train. Exit code 3: a gate held something back."""
    from perennial.cli import run_flows as doing

    doing.run(usecase, batch, json)


@app.command()
def ingest(usecase: Usecase, batch: Batch = None, json: Json = False) -> None:
    """Take one batch in: land, check, set bad rows aside, accept."""
    from perennial.cli import run_flows as doing

    doing.ingest(usecase, batch, json)


@app.command()
def watch(usecase: Usecase, batch: Batch = None, json: Json = False) -> None:
    """Hold the champion against its reference on a batch; ask for a retraining where it went bad."""
    from perennial.cli import run_flows as doing

    doing.watch(usecase, batch, json)


@app.command()
def train(
    usecase: Usecase,
    reason: Annotated[str, typer.Option("--reason", help="why, for the record")] = "asked for on the command line",
    json: Json = False,
) -> None:
    """Train a challenger on everything known; it then waits for rows that can judge it."""
    from perennial.cli import run_flows as doing

    doing.train(usecase, reason, json)


@app.command()
def backfill(
    usecase: Usecase,
    first: Annotated[str | None, typer.Option("--first", help="begin with this batch")] = None,
    last: Annotated[str | None, typer.Option("--last", help="end with this batch")] = None,
    json: Json = False,
) -> None:
    """Run the cycle for every batch that no finished cycle covers, oldest first."""
    from perennial.cli import run_flows as doing

    doing.backfill(usecase, first, last, json)


@app.command()
def status(
    usecase: Annotated[
        str | None, typer.Argument(help="name of a use case; all without it", metavar="[USECASE]", callback=_by_name)
    ] = None,
    json: Json = False,
) -> None:
    """What serves, since when and why; what was decided last; what is open."""
    from perennial.cli import reading

    reading.status(usecase, json)


@app.command()
def batches(usecase: Usecase, json: Json = False) -> None:
    """Every batch: rows that arrived, were accepted, were set aside and why."""
    from perennial.cli import reading

    reading.batches(usecase, json)


@app.command()
def quarantine(
    usecase: Usecase,
    batch: Batch = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="how many example rows for each reason")] = 3,
    json: Json = False,
) -> None:
    """What is set aside or held and why, with example rows, and what brings it back."""
    from perennial.cli import quarantine as away

    away.quarantine(usecase, batch, rows, json)


@app.command()
def requeue(usecase: Usecase, batch: Batch = None, json: Json = False) -> None:
    """Check what is set aside or held again, under the declaration of today; what passes becomes a new revision."""
    from perennial.cli import quarantine as away

    away.requeue(usecase, batch, json)


@app.command()
def waive(
    usecase: Usecase,
    batch: Annotated[str, typer.Option("--batch", help="the batch, for example 2013-07")],
    by: Annotated[str, typer.Option("--by", help="who says so, for the record")],
    reason: Annotated[str, typer.Option("--reason", help="why, for the record")],
    check: Annotated[
        list[str] | None, typer.Option("--check", help="first words of the check, as `quarantine` tells it; repeatable")
    ] = None,
    json: Json = False,
) -> None:
    """Accept a batch in spite of a failed check of the declaration, on a person's word."""
    from perennial.cli import quarantine as away

    away.waive(usecase, batch, check or [], by, reason, json)


@app.command()
def decisions(usecase: Usecase, json: Json = False) -> None:
    """Every decision with the gain, its interval and the outcome."""
    from perennial.cli import reading

    reading.decisions(usecase, json)


@app.command()
def decision(
    id: Annotated[str, typer.Argument(help="a decision's id, or at least its first four digits", metavar="ID")],
    json: Json = False,
) -> None:
    """One decision: a paragraph for everybody and a table for the statistician."""
    from perennial.cli import reading

    reading.decision(id, json)


@app.command()
def plan(
    usecase: Usecase,
    gain: Annotated[
        float | None, typer.Option("--gain", help="the one gain to ask about, in the metric's unit")
    ] = None,
    json: Json = False,
) -> None:
    """How many days of labels would show a gain, when that will be, and which labels are still unspent."""
    from perennial.cli import planning

    planning.plan(usecase, gain, json)


@app.command()
def replay(
    which: Annotated[
        str, typer.Argument(help="a decision's id or its first digits, or a use case for all of its own", metavar="ID")
    ],
    deep: Annotated[bool, typer.Option("--deep", help="from rows and models, not from the ledger's sums")] = False,
    json: Json = False,
) -> None:
    """Compute a decision again and compare every number. Exit code 1: the first that differs is named."""
    from perennial.cli import replaying

    replaying.replay(which, deep, json)


@ledger.command()
def verify(
    usecase: Annotated[
        str | None, typer.Argument(help="name of a use case; all without it", metavar="[USECASE]", callback=_by_name)
    ] = None,
    head: Annotated[
        str | None,
        typer.Option("--head", help="a head kept earlier, as `status` prints it: is it still in the chain?"),
    ] = None,
    json: Json = False,
) -> None:
    """Follow the hash chain: was a row changed, removed or inserted? Exit code 1: the first such row is named.

    Rows cut off at the end show only against a head that was kept elsewhere: --head 62:37a6….
    """
    from perennial.cli import replaying

    replaying.verify(usecase, head, json)


@app.command()
def page(
    usecase: Usecase,
    out: Annotated[Path | None, typer.Option("--out", help="the file to write; default: in the home")] = None,
    json: Json = False,
) -> None:
    """Write one HTML page for everybody: what serves and why, every batch, every decision."""
    from perennial.cli import reading

    reading.page(usecase, out, json)


@app.command()
def approve(
    id: Annotated[str, typer.Argument(help="id of a held decision, or at least its first four digits", metavar="ID")],
    by: Annotated[str, typer.Option("--by", help="who says so, for the record")],
    reason: Annotated[str, typer.Option("--reason", help="why, for the record")],
    json: Json = False,
) -> None:
    """Release the challenger of a decision that was left to a person."""
    from perennial.cli import repair as mending

    mending.approve(id, by, reason, json)


@app.command()
def rollback(
    usecase: Usecase,
    reason: Annotated[str, typer.Option("--reason", help="why, for the record")],
    seen: Annotated[
        int | None,
        typer.Option("--from", min=1, help="number of the release to take back; needed to go back more than once"),
    ] = None,
    json: Json = False,
) -> None:
    """Bring the former champion back, with its features and data version, as a new release.

    Repeating the command changes nothing more. To go further back, name the rollback's release: --from 4.
    """
    from perennial.cli import repair as mending

    mending.rollback(usecase, reason, seen, json)


@app.command()
def doctor(
    usecase: Annotated[
        str | None, typer.Argument(help="name of a use case; all without it", metavar="[USECASE]", callback=_by_name)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell, mend nothing")] = False,
    json: Json = False,
) -> None:
    """Compare ledger, tables and registry, and mend what differs. Exit code 1: something needs a person."""
    from perennial.cli import repair as mending

    mending.doctor(usecase, dry_run, json)


@app.command()
def down() -> None:
    """Stop the Prefect server that a command left running."""
    from perennial.cli.output import say
    from perennial.processes.prefect_server import stop_server
    from perennial.settings import settings

    say("The Prefect server is stopped." if stop_server(settings()) else "No Prefect server of ours was running.")
