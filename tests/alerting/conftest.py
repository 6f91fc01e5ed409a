"""A ledger, and a target on this machine that is down at first."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.ledger.ledger import Ledger
from tests.alerting.target import Target


@pytest.fixture
def target() -> Iterator[Target]:
    """A target that is down."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Target(port)
    yield made
    made.down()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger in a SQLite file."""
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
