"""Writes the page of a use case into its home. Not a task, because commands that run no flow write it too."""

from __future__ import annotations

from data_checks.docs import pages_of
from perennial.fault_points import write
from perennial.page.publish import publish
from perennial.store.workspace import Workspace


def refresh_page(workspace: Workspace, usecase: str) -> None:
    """Write the page from the current ledger. Raises OSError if the home cannot be written."""
    where = workspace.settings
    declaration = workspace.use_case(usecase).declaration
    with write("page"):
        publish(where.pages / f"{usecase}.html", workspace.ledger, declaration, pages_of(where.docs, usecase))
