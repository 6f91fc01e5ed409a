"""A PostgreSQL server for the tests: started for the session on a free port, below a temporary folder, and stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crashes.conftest import killable  # noqa: F401
from tests.postgres.postgres_server import initdb, new_database, postgres_server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of an empty server without the database's name."""
    program = initdb()
    if program is None:
        pytest.skip("no PostgreSQL here: make test-all installs it")
    with postgres_server(program) as address:
        yield address


@pytest.fixture
def database(server: str) -> str:
    """The address of an empty database of the test's own."""
    return new_database(server)
