"""Commands for the machine's processes: `up`, `serve`, `down`, `deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial.cli.options import Batch, Json, Usecase


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="return when it is ready; `down` stops it")] = False,
    runs: Annotated[int, typer.Option("--runs", min=1, help="number of flow runs at the same time")] = 2,
) -> None:
    """Run Prefect, worker, MLflow, service and pages until Ctrl-C.

    Parts that crash are started again. Use cases that are added are deployed. Chosen ports are kept in the home.
    """
    from perennial.cli import stack

    stack.up(detach, runs)


def serve(
    usecases: Annotated[
        list[str] | None, typer.Argument(help="one or several use cases; all by default", metavar="USECASE")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="address to listen on; others than this machine's need keys")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="port; 0 for a free one")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="number of processes")] = 1,
    release: Annotated[
        int | None, typer.Option("--release", min=1, help="serve this release, whatever is live")
    ] = None,
    keys: Annotated[Path | None, typer.Option("--keys", help="file of SHA-256 digests of API keys")] = None,
    sync: Annotated[bool, typer.Option("--sync", help="sync each prediction to disk before it is answered")] = False,
) -> None:
    """Answer requests for predictions until Ctrl-C.

    Every prediction is logged before it is answered. A new release is picked up without a restart.
    """
    from perennial.cli import serving

    serving.serve(tuple(usecases or ()), host, port, workers, release, keys, sync)


def replay_traffic(
    usecase: Usecase,
    batch: Batch = None,
    url: Annotated[str, typer.Option("--url", help="address of the service")] = "http://127.0.0.1:8000",
    rate: Annotated[float, typer.Option("--rate", min=0.001, help="requests per second")] = 50.0,
    most: Annotated[int | None, typer.Option("--most", min=1, help="send no more rows than this")] = None,
    json: Json = False,
) -> None:
    """Send the rows of a batch to a service, for a test.

    Needs PERENNIAL_SERVE_KEY if the service needs an API key. Exit code 1: nothing answers, or no record was scored.
    """
    from perennial.cli import traffic

    traffic.replay_traffic(usecase, batch, url, rate, most, json)


def down(
    force: Annotated[
        bool, typer.Option("--force", help="even if a command works on this home's Prefect server")
    ] = False,
) -> None:
    """Stop what `up` and other commands left running.

    Also removes what a killed `up` left running.
    """
    from perennial.cli import stack

    stack.down(force)


def deploy(json: Json = False) -> None:
    """Deploy all flows, with the schedule of every use case.

    Creates the work pool. Deploying again applies what changed in the declarations and keeps everything else.
    """
    from perennial.cli import stack

    stack.deploy(json)
