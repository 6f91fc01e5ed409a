"""One warm process to fork from, with a real Prefect server beside."""

from __future__ import annotations

import multiprocessing

import pytest


@pytest.fixture(scope="session")
def killable(prefect_server: str) -> None:
    """Processes can be started: the server runs, so that they find its address in their environment."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["tests.crashes.preload"])
