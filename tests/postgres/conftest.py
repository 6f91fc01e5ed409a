"""A PostgreSQL server for the tests: started for the session on a free port, below a temporary folder, and stopped."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.crashes.conftest import killable  # noqa: F401

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of an empty server without the database's name."""
    bin_folders = [str(found.parent) for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    initdb = shutil.which("initdb", path=os.pathsep.join([*bin_folders, os.environ.get("PATH", "")]))
    if initdb is None:
        pytest.skip("no PostgreSQL here: make test-all installs it")
    folder = Path(tempfile.mkdtemp(prefix="perennial-postgres-"))
    user: str | None = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres"
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tools, data = Path(initdb).parent, folder / "data"
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"

    def run(*command: str) -> None:
        with (folder / "log").open("ab") as log:
            subprocess.run(command, user=user, cwd=folder, stdout=log, stderr=log, check=True, timeout=60)

    run(initdb, "-D", str(data), "-U", "perennial", "-A", "trust", "--no-sync")
    run(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-w", "start")
    try:
        yield f"postgresql+psycopg://perennial@127.0.0.1:{port}"
    finally:
        run(str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def database(server: str) -> str:
    """The address of an empty database of the test's own."""
    return new_database(server)


def new_database(server: str) -> str:
    """Make one more database."""
    from sqlalchemy import create_engine

    name = f"d{next(_NUMBERS)}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{server}/{name}"
