"""Processes that get killed, with a real Prefect server beside."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def killable(prefect_server: str) -> None:
    """Processes can be started: the server runs, so that they find its address in their environment."""
