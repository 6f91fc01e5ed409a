"""What follows an act that is on record: MLflow's aliases, the page, and the events of a Prefect server."""

from __future__ import annotations

import os

from perennial.errors import on_record
from perennial.processes.prefect_server import Server, environment, running_server
from perennial.settings import Settings
from perennial.store.workspace import Workspace


def follow_release(workspace: Workspace, usecase: str, done: str) -> None:
    """Let MLflow's aliases, the page and Prefect's events follow. done: what is on record, for `on_record`."""
    from perennial.release.promote import mirror_alias

    with on_record(done):
        mirror_alias(workspace.ledger, workspace.registry, usecase)
    follow_answer(workspace, usecase, done)


def follow_answer(workspace: Workspace, usecase: str, done: str) -> None:
    """Let the page and Prefect's events follow an answer that releases nothing."""
    from tasks.page import refresh_page

    with on_record(done):
        refresh_page(workspace, usecase)
    _announce(workspace.settings, usecase)


def _announce(where: Settings, usecase: str) -> None:
    """Send the events of what is on record, if there is a Prefect server; otherwise the next flow does."""
    url = where.prefect_api_url
    server = Server(url, pid=None, started=False, home=None) if url else running_server(where)
    if server is None:
        return
    os.environ.update(environment(server))
    from tasks.events import announce

    announce(usecase)
