"""A ledger and tables in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.ledger.ledger import Ledger
from perennial.store.tables import Tables


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger in a SQLite file."""
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """No table yet."""
    return Tables(str(tmp_path / "tables"))
