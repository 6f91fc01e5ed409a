"""Commands that look: `status`, `batches`, `decisions`, `decision`, `plan`, `page`, `replay`, `ledger verify`.

All of them only read, except `calibrate`, `backtest` and `worth`, which keep what they measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial.cli.options import AnyUsecase, DecisionId, Json, Usecase, Wide


def status(usecase: AnyUsecase = None, json: Json = False) -> None:
    """Show which model is live, the last decision, what needs you."""
    from perennial.cli import reading

    reading.status(usecase, json)


def batches(usecase: Usecase, wide: Wide = False, json: Json = False) -> None:
    """List batches: rows that arrived, were set aside, and why."""
    from perennial.cli import reading

    reading.batches(usecase, json, wide)


def decisions(usecase: Usecase, wide: Wide = False, json: Json = False) -> None:
    """List decisions with gain, confidence interval and outcome."""
    from perennial.cli import decisions as listing

    listing.decisions(usecase, json, wide)


def decision(
    id: DecisionId,
    full: Annotated[bool, typer.Option("--full", help="show everything on record, not one screen")] = False,
    wide: Wide = False,
    json: Json = False,
) -> None:
    """Explain one decision: what, why, on which rows, what next."""
    from perennial.cli import decisions as listing

    listing.decision(id, json, wide, full)


def plan(
    usecase: Usecase,
    gain: Annotated[float | None, typer.Option("--gain", help="the gain to plan for, in the metric's unit")] = None,
    stages: Annotated[bool, typer.Option("--stages", help="what the declared stages will be able to see")] = False,
    json: Json = False,
) -> None:
    """Show how many days of labels it takes to detect a gain."""
    from perennial.cli import planning

    planning.plan_stages(usecase, json) if stages else planning.plan(usecase, gain, json)


def calibrate(usecase: Usecase, json: Json = False) -> None:
    """Measure how often each channel raises a false alarm."""
    from perennial.cli import calibrating

    calibrating.calibrate(usecase, json)


def backtest(
    usecase: Usecase,
    policies: Annotated[
        str | None,
        typer.Option("--policies", help="policies to compare, separated by commas; `newest` and `never` too"),
    ] = None,
    windows: Annotated[
        str | None,
        typer.Option("--windows", help="windows to train on, as declared: 'expanding, last 90d, race'; several"),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule", help="when to train: each_batch, weekly, monthly, quarterly, on_drift, never; several"
        ),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option("--serve", help="what is released, as in `release.serve`; several"),
    ] = None,
    evaluate: Annotated[
        str | None,
        typer.Option("--evaluate", help="which rows evaluate a challenger: next_batch, newest; several"),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option("--price", help="of one retraining, in the unit of the declared value"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="also write an HTML page to this file")] = None,
    wide: Wide = False,
    json: Json = False,
) -> None:
    """Replay your history under other policies and schedules.

    By default a dozen lives are compared with the declared one. Options that take several names, separated by commas,
    are compared in every combination. Each model is fitted once and its predictions are kept, so a run that was
    stopped goes on where it was. Writes no model and no decision.
    """
    from perennial.backtest.ways import Asked
    from perennial.cli import backtesting

    listed = backtesting.listed
    asked = Asked(listed(policies), listed(windows), listed(schedule), listed(serve), listed(evaluate))
    backtesting.backtest(usecase, asked, price, out, wide, json)


def worth(
    usecase: Usecase,
    price: Annotated[
        float | None,
        typer.Option("--price", help="of one retraining, in the unit of the declared value"),
    ] = None,
    wide: Wide = False,
    json: Json = False,
) -> None:
    """Measure what older models cost, and how often to retrain.

    Models of earlier batches are scored on later ones. The predictions are kept, as those of a backtest are.
    """
    from perennial.cli import worth_of_retraining

    worth_of_retraining.worth(usecase, price, wide, json)


def prediction(
    id: Annotated[str, typer.Argument(help="id of a served prediction, from its answer", metavar="ID")],
    replay: Annotated[bool, typer.Option("--replay", help="compute it again and compare every bit")] = False,
    json: Json = False,
) -> None:
    """Show a served prediction and the decision behind it.

    With --replay, exit code 1 if a bit differs.
    """
    from perennial.cli import predictions

    predictions.prediction(id, replay, json)


def lineage(
    usecase: Usecase,
    id: Annotated[
        str, typer.Argument(help="a row's key, a batch, or the id of anything that came from it", metavar="ID")
    ],
    up: Annotated[bool, typer.Option("--up", help="only what it came from")] = False,
    down: Annotated[bool, typer.Option("--down", help="only what came from it")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="also draw it: a file that ends in .svg or .html")] = None,
    json: Json = False,
) -> None:
    """Show what a thing came from, and what came from it.

    From the bytes that arrived to the predictions: landing, labels, batch, row, snapshot, features, run, model,
    decision, release, predictions. An id of more than one kind is written with it: model:3, release:3.
    """
    from perennial.cli import lineages

    lineages.lineage(usecase, id, up, down, out, json)


def page(
    usecase: Usecase,
    out: Annotated[Path | None, typer.Option("--out", help="the file to write; default: in the home")] = None,
    json: Json = False,
) -> None:
    """Write an HTML page about a use case for everybody."""
    from perennial.cli import reading

    reading.page(usecase, out, json)


def replay(
    which: Annotated[str, typer.Argument(help="a decision id, or a use case for all its decisions", metavar="ID")],
    deep: Annotated[
        bool, typer.Option("--deep", help="recompute from rows and models instead of from the ledger's sums")
    ] = False,
    json: Json = False,
) -> None:
    """Recompute a decision and compare every number.

    Exit code 1: a number differs, of which the first is named, or cannot be compared.
    """
    from perennial.cli import replaying

    replaying.replay(which, deep, json)


def verify(
    usecase: AnyUsecase = None,
    head: Annotated[
        str | None,
        typer.Option("--head", help="a head kept earlier, as `status` prints it: is it still in the chain?"),
    ] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option("--anchor", help="a file, git repository or time stamps; several", metavar="PLACE"),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="public key of the anchors, or a file of keys; default: beside the signing key"),
    ] = None,
    authority: Annotated[
        Path | None, typer.Option("--authority", help="root certificates (PEM) of those who signed time stamps")
    ] = None,
    json: Json = False,
) -> None:
    """Follow the hash chain: was a row changed, removed or inserted?

    Exit code 1: the first such row is named. Rows cut off at the end, and a chain that was rewritten as a whole, show
    only against what was kept elsewhere: a head (--head 62:37a6b01e…) or signed anchors (--anchor).
    """
    from perennial.cli import verifying

    verifying.verify(usecase, head, anchor or (), key or (), authority, json)
