"""A PostgreSQL server below a temporary folder, on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_NUMBERS = count(1)


def initdb() -> Path | None:
    """The program that makes one; None if PostgreSQL is not installed."""
    folders = [str(found.parent) for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    program = shutil.which("initdb", path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))
    return Path(program) if program else None


@contextmanager
def postgres_server(program: Path) -> Iterator[str]:
    """The address of an empty server without the database's name; it is stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="perennial-postgres-"))
    user: str | None = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres"
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tools, data = program.parent, folder / "data"
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"

    def run(*command: str) -> None:
        with (folder / "log").open("ab") as log:
            subprocess.run(command, user=user, cwd=folder, stdout=log, stderr=log, check=True, timeout=60)

    run(str(program), "-D", str(data), "-U", "perennial", "-A", "trust", "--no-sync")
    run(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-w", "start")
    try:
        yield f"postgresql+psycopg://perennial@127.0.0.1:{port}"
    finally:
        run(str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def new_database(server: str) -> str:
    """Make one more database."""
    from sqlalchemy import create_engine

    name = f"d{next(_NUMBERS)}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{server}/{name}"
