"""Deployments of single flows, and workers of their pools as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.flows.conftest import ask

ROOT = Path(__file__).parents[2]
DEPLOY = """
import sys
from prefect import flow
root, name, size, pool = sys.argv[1:]
flow.from_source(root, entrypoint=f"flows/{name}.py:{name}").deploy(size, work_pool_name=pool)
"""


@contextmanager
def deployment(flow: str, name: str, pool: str, usecases: Path) -> Iterator[None]:
    """A pool, and one deployment until the end of the block: the server is that of other tests too.

    Made in a separate process, since the forms list the use cases that it sees.
    """
    usecases.mkdir(parents=True, exist_ok=True)
    ask("/work_pools/", {"name": pool, "type": "process"})
    made = subprocess.run(
        [sys.executable, "-c", DEPLOY, str(ROOT), flow, name, pool],
        cwd=ROOT,
        env=os.environ | {"PERENNIAL_USECASES": str(usecases)},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    yield
    kept = ask(f"/deployments/name/{flow}/{name}", method="GET")
    ask(f"/deployments/{kept['id']}", None, "DELETE")


@contextmanager
def worker_of(pool: str, folder: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of a pool on the home of a folder; its runs end with it."""
    variables = {
        "PERENNIAL_HOME": str(folder / "home"),
        "PERENNIAL_USECASES": str(folder / "usecases"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    with (folder / f"{pool}.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "--no-prompt", "worker", "start", "--pool", pool, "--name", folder.name],
            cwd=ROOT,
            env=os.environ | variables | more,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
