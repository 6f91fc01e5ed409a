"""Commands about OpenLineage events: `openlineage`, `openlineage send`."""

from __future__ import annotations

import typer

from perennial.cli.options import AnyUsecase, Json


def openlineage(context: typer.Context, json: Json = False) -> None:
    """List receivers of lineage events; send what they lack."""
    if context.invoked_subcommand is None:
        from perennial.cli import openlineages

        openlineages.show(json)


def send(usecase: AnyUsecase = None, json: Json = False) -> None:
    """Send OpenLineage events that receivers have not taken yet.

    The receivers are in PERENNIAL_OPENLINEAGE. Cycles do so at their end. Exit code 1: a receiver did not take them; it
    gets them the next time.
    """
    from perennial.cli import openlineages

    openlineages.send(usecase, json)
