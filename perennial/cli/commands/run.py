"""Commands that run flows: `run`, `backfill`, `ingest`, `watch`, `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial.cli.options import Batch, DryRun, Json, Usecase


def run(usecase: Usecase, batch: Batch = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Run one cycle: ingest a batch, watch, decide, train.

    Exit code 3: a batch was held, a guard blocked a release, or a person has to decide.
    """
    from perennial.cli import run_flows

    run_flows.run(usecase, batch, dry_run, json)


def backfill(
    usecase: Usecase,
    first: Annotated[str | None, typer.Option("--first", help="start with this batch")] = None,
    last: Annotated[str | None, typer.Option("--last", help="end with this batch")] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Run the cycle for every batch without one, oldest first.

    Exit code 3: a batch is held, a guard blocked a release, or a person has to decide.
    """
    from perennial.cli import run_flows

    run_flows.backfill(usecase, first, last, dry_run, json)


def ingest(usecase: Usecase, batch: Batch = None, json: Json = False) -> None:
    """Ingest one batch: keep its bytes, validate its rows.

    Exit code 3: the batch was held.
    """
    from perennial.cli import run_flows

    run_flows.ingest(usecase, batch, json)


def watch(usecase: Usecase, batch: Batch = None, json: Json = False) -> None:
    """Watch the champion; request retraining on an alarm."""
    from perennial.cli import run_flows

    run_flows.watch(usecase, batch, json)


def score(
    usecase: Usecase,
    batch: Batch = None,
    file: Annotated[Path | None, typer.Option("--file", help="score the rows of this file instead")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="write the predictions to this file (.csv or .parquet)")
    ] = None,
    json: Json = False,
) -> None:
    """Score a batch, or your own file, with the live model.

    A file needs neither key nor target. Its predictions go to --out and are not recorded.
    """
    from perennial.cli import scoring

    scoring.score(usecase, batch, file, out, json)


def stage(
    usecase: Usecase,
    advance: Annotated[
        bool, typer.Option("--advance", help="let the candidate get further now; needs --by and --reason")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="who lets it, for the record")] = "",
    reason: Annotated[str, typer.Option("--reason", help="why, for the record")] = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Look at the model in a shadow or canary.

    It advances, waits, or is taken away. Each cycle looks too. `perennial rollback` takes a candidate away. Exit code
    3: it was taken away.
    """
    from perennial.cli import staging

    staging.stage(usecase, advance, by, reason, dry_run, json)


def train(
    usecase: Usecase,
    reason: Annotated[str, typer.Option("--reason", help="why, for the record")] = "asked for on the command line",
    json: Json = False,
) -> None:
    """Train a challenger, to evaluate on rows it has not seen."""
    from perennial.cli import run_flows

    run_flows.train(usecase, reason, json)
