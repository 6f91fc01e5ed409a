"""Commands about many use cases at once: `fleet`, `fleet run`."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.options import DryRun, Json, Wide

Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="only use cases with this tag, region=north; may be repeated")
]


def fleet(
    context: typer.Context,
    tag: Tags = None,
    owner: Annotated[str | None, typer.Option("--owner", help="only use cases of this owner")] = None,
    state: Annotated[str | None, typer.Option("--state", help="only use cases in this state, such as held")] = None,
    sort: Annotated[str, typer.Option("--sort", help="worst, name, batch, loss or age")] = "worst",
    wide: Wide = False,
    json: Json = False,
) -> None:
    """List all use cases, worst first; run what is due."""
    if context.invoked_subcommand is None:
        from perennial.cli import fleets

        fleets.show(tuple(tag or ()), owner, state, sort, wide, json)


def run(
    template: Annotated[
        str | None, typer.Argument(help="name of a template; every use case by default", metavar="[TEMPLATE]")
    ] = None,
    tag: Tags = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Run what is due for many use cases, in one process.

    A use case that fails stops alone. Exit code 1: one failed; 3: a batch was held.
    """
    from perennial.cli import fleets

    fleets.run(template, tuple(tag or ()), dry_run, json)
