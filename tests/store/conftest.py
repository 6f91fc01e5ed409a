"""A ledger and tables in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from perennial.ledger.ledger import Ledger
from perennial.store.tables import Tables
from tests.s3 import s3_server


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger in a SQLite file."""
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """No table yet."""
    return Tables(str(tmp_path / "tables"))


@pytest.fixture(scope="module")
def s3() -> Iterator[Mapping[str, str]]:
    """A server with the bucket `lake`; the variables with which its clients find it."""
    with s3_server("lake") as variables:
        yield variables


@pytest.fixture
def bucket(s3: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty place in a bucket."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    return f"s3://lake/{tmp_path.name}"
