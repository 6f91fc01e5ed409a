"""Commands about messages to people: `alerts`, `alerts test`, `alerts send`."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.options import AnyUsecase, Json


def alerts(context: typer.Context, json: Json = False) -> None:
    """List alert routes and undelivered messages; test, send."""
    if context.invoked_subcommand is None:
        from perennial.cli import alerts as messages

        messages.show(json)


def test(
    usecase: AnyUsecase = None,
    route: Annotated[str | None, typer.Option("--route", help="name of one route; all of them by default")] = None,
    json: Json = False,
) -> None:
    """Send a test message along the routes.

    Shows which targets accepted it, and why the others did not. Exit code 1: one did not.
    """
    from perennial.cli import alerts as messages

    messages.test(usecase, route, json)


def send(usecase: AnyUsecase = None, json: Json = False) -> None:
    """Try again to send what is undelivered.

    A target that failed is left alone for a while: from a minute to six hours. Exit code 1: something is left.
    """
    from perennial.cli import alerts as messages

    messages.send(usecase, json)
