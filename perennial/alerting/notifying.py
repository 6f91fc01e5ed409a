"""Notify people of what they should know about a use case: queue what is due, then send what is undelivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime

from perennial.alerting.folding import Waiting, deliver_folded
from perennial.alerting.notices import Notice, notices
from perennial.alerting.outbox import Undelivered, deliver, queue, queued, undelivered
from perennial.alerting.routes import NamedRoute, messages_due, routes_of
from perennial.alerting.sending import send
from perennial.errors import TransientError
from perennial.ledger.entries import AlertQueued
from perennial.store.workspace import Workspace

STEP = "alerts"
PUBLIC_URL = "PERENNIAL_PUBLIC_URL"
"""The environment variable with the address under which the pages are served, for links in messages."""


def routes(workspace: Workspace, usecase: str, environ: Mapping[str, str]) -> list[NamedRoute]:
    """Where messages about a use case go. Raises DeclarationError."""
    return routes_of(workspace.declared(usecase).declaration, environ.keys())


def due(workspace: Workspace, usecase: str, environ: Mapping[str, str]) -> list[AlertQueued]:
    """The messages that are not queued yet."""
    leading, ledger = routes(workspace, usecase, environ), workspace.ledger
    so_far = queued(ledger, usecase)
    if not leading and not so_far:
        return []
    return messages_due(usecase, notices(ledger, usecase), leading, so_far, link_of(usecase, environ))


def report(workspace: Workspace, usecase: str, notice: Notice, environ: Mapping[str, str]) -> None:
    """Queue messages about something that is no state of the ledger."""
    so_far, link = queued(workspace.ledger, usecase), link_of(usecase, environ)
    leading = routes(workspace, usecase, environ)
    queue(workspace.ledger, usecase, messages_due(usecase, [notice], leading, so_far, link))


def link_of(usecase: str, environ: Mapping[str, str]) -> str:
    """The address of the use case's page; empty if nobody serves it."""
    base = environ.get(PUBLIC_URL, "").rstrip("/")
    return f"{base}/{usecase}.html" if base else ""


def notify(
    workspace: Workspace, usecase: str, environ: Mapping[str, str], now: Callable[[], datetime]
) -> list[Undelivered]:
    """Queue and send; what could not be delivered is returned, and sent by a later call.

    Raises TransientError if the ledger does not answer, DeclarationError.
    """
    queue(workspace.ledger, usecase, due(workspace, usecase, environ))
    return send_again(workspace, usecase, environ, now)[1]


def send_again(
    workspace: Workspace, usecase: str, environ: Mapping[str, str], now: Callable[[], datetime]
) -> tuple[list[Undelivered], list[Undelivered]]:
    """Send what is queued: (undelivered before, undelivered after).

    Only one process sends at a time; another one leaves it to that. Raises as `notify` does.
    """
    ledger = workspace.ledger
    before = undelivered(ledger, usecase)
    if not before:
        return [], []
    targets = {each.route.to for each in routes(workspace, usecase, environ)}
    try:
        with workspace.only_one(usecase, STEP, seconds=0):
            after = deliver(ledger, usecase, lambda message: send(usecase, message, environ), now, targets=targets)
            return before, after
    except TransientError as error:
        if error.code == "ledger-unreachable":
            raise
        return before, undelivered(ledger, usecase)


def notify_together(
    workspace: Workspace, usecases: Sequence[str], environ: Mapping[str, str], now: Callable[[], datetime]
) -> list[Waiting]:
    """Queue and send what is due for many use cases, one message per target and kind; return what is undelivered.

    A use case whose messages another process sends right now is left to that. Raises as `notify` does.
    """
    targets: set[tuple[str, str]] = set()
    with ExitStack() as held:
        mine = []
        for name in usecases:
            queue(workspace.ledger, name, due(workspace, name, environ))
            if not undelivered(workspace.ledger, name):
                continue
            try:
                held.enter_context(workspace.only_one(name, STEP, seconds=0))
            except TransientError as error:
                if error.code == "ledger-unreachable":
                    raise
                continue
            targets |= {(name, each.route.to) for each in routes(workspace, name, environ)}
            mine.append(name)
        return deliver_folded(workspace.ledger, mine, lambda name, each: send(name, each, environ), now, targets)
