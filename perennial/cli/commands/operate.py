"""Commands for the machine's processes: `up`, `down`, `deploy`."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.options import Json


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="return when it is ready; `down` stops it")] = False,
    runs: Annotated[int, typer.Option("--runs", min=1, help="number of flow runs at the same time")] = 2,
) -> None:
    """Run Prefect, worker, schedules, MLflow and pages until Ctrl-C.

    Parts that crash are started again. Use cases that are added are deployed. Chosen ports are kept in the home.
    """
    from perennial.cli import stack

    stack.up(detach, runs)


def down() -> None:
    """Stop what `up` started, and the Prefect server of other commands.

    Also removes what a killed `up` left running.
    """
    from perennial.cli import stack

    stack.down()


def deploy(json: Json = False) -> None:
    """Deploy all flows, with the schedule of every use case.

    Creates the work pool. Deploying again applies what changed in the declarations and keeps everything else.
    """
    from perennial.cli import stack

    stack.deploy(json)
