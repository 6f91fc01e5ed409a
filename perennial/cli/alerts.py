"""`alerts`: where messages go, what could not be sent yet, a test message, another attempt."""

from __future__ import annotations

import os
import sys
from typing import Any

from perennial.alerting.notifying import routes
from perennial.alerting.outbox import Undelivered, undelivered
from perennial.alerting.routes import NamedRoute
from perennial.cli import machine_clock
from perennial.cli.declared import named_or_all
from perennial.cli.json_views import undelivered_view
from perennial.cli.output import as_json, flowing, say
from perennial.cli.tables import Column, table
from perennial.clock import write_instant
from perennial.errors import InputError
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace, reading_workspace
from perennial.usecase.mistakes import closest

OF_ROUTES = (
    Column("use case"),
    Column("route"),
    Column("variable"),
    Column("set here"),
    Column("from severity"),
    Column("channels", text=True),
)
OF_UNDELIVERED = (
    Column("message"),
    Column("to"),
    Column("attempts", right=True),
    Column("again at", gives_way=1),
    Column("because", text=True),
)


def show(json: bool) -> None:
    """The routes of every use case, and the messages that no target has accepted yet."""
    workspace = reading_workspace(settings())
    cases = named_or_all(None, workspace.settings.usecases)
    declared = {case.name: routes(workspace, case.name, os.environ) for case in cases}
    waiting = {name: undelivered(workspace.ledger, name) for name in declared}
    if json:
        as_json(
            [
                {
                    "usecase": name,
                    "routes": [_route_view(each) for each in declared[name]],
                    "undelivered": [undelivered_view(each) for each in waiting[name]],
                }
                for name in declared
            ]
        )
        return
    rows = [_route_cells(name, each) for name, named in declared.items() for each in named]
    if not rows:
        flowing("No alerts are sent: no use case declares a route, and PERENNIAL_ALERTS is not set.")
    else:
        table(OF_ROUTES, rows)
    if any(waiting.values()):
        say()
        table(OF_UNDELIVERED, [_undelivered_cells(each) for left in waiting.values() for each in left])


def test(usecase: str | None, route: str | None, json: bool) -> None:
    """Send a test message along every route. Exit code 1 if a target did not accept it."""
    from perennial.alerting.sending import send_test

    workspace = reading_workspace(settings())
    names = [case.name for case in named_or_all(usecase, workspace.settings.usecases)]
    chosen = [(name, each) for name in names for each in _chosen(workspace, name, route, only=len(names) == 1)]
    if route is not None and not chosen:
        raise InputError(f"--route: no use case has a route {route!r}", field="--route", value=route)
    if not chosen and not json:
        flowing("No alerts are sent: there is no route, and PERENNIAL_ALERTS is not set.")
    answers = [
        (name, each, send_test(name, each, os.environ, write_instant(machine_clock.now()))) for name, each in chosen
    ]
    if json:
        as_json(
            [
                {"usecase": name, **_route_view(each), "delivered": not why, "because": why}
                for name, each, why in answers
            ]
        )
    for name, each, why in answers if not json else ():
        answer = f"did not accept the test message: {why}" if why else "accepted the test message"
        flowing(f"{name}: {each.name} ({each.route.to}) {answer}.")
    if any(why for _, _, why in answers):
        sys.exit(1)


def send(usecase: str | None, json: bool) -> None:
    """Try again to send what is undelivered. Exit code 1 if something still is."""
    from perennial.alerting.notifying import notify

    workspace = open_workspace(settings())
    names = [case.name for case in named_or_all(usecase, workspace.settings.usecases)]
    left = [each for name in names for each in notify(workspace, name, os.environ, machine_clock.now)]
    if json:
        as_json([undelivered_view(each) for each in left])
    elif left:
        table(OF_UNDELIVERED, [_undelivered_cells(each) for each in left])
    else:
        say("Every message is delivered.")
    if left:
        sys.exit(1)


def _chosen(workspace: Workspace, usecase: str, route: str | None, *, only: bool) -> list[NamedRoute]:
    """The routes to try. Raises InputError for a route that the only use case does not have."""
    known = routes(workspace, usecase, os.environ)
    if route is None:
        return known
    names = [each.name for each in known]
    if only and route not in names:
        near = closest(route, names)
        raise InputError(
            f"--route: {usecase} has no route {route!r}",
            field="--route",
            value=route,
            fix=(f"did you mean {near!r}? " if near else "") + f"Its routes: {', '.join(names) or 'none'}",
        )
    return [each for each in known if each.name == route]


def _route_view(each: NamedRoute) -> dict[str, Any]:
    return {
        "route": each.name,
        "to": each.route.to,
        "set_here": bool(os.environ.get(each.route.to)),
        "form": each.route.form,
        "severity": each.route.severity,
        "channels": list(each.route.channels),
    }


def _route_cells(usecase: str, each: NamedRoute) -> tuple[str, ...]:
    channels = ", ".join(each.route.channels) or ("all episodes" if each.route.form == "event" else "everything")
    return (
        usecase,
        each.name,
        each.route.to,
        "yes" if os.environ.get(each.route.to) else "no",
        each.route.severity,
        channels,
    )


def _undelivered_cells(each: Undelivered) -> tuple[str, ...]:
    failed = each.failed
    because = failed.why if failed else "not tried yet"
    return (each.message.title, each.message.target, str(each.attempts), failed.again_at if failed else "", because)
