"""A scoring service for a moment: started on a free port, and stopped when the block is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

from perennial.errors import TransientError
from perennial.processes.log_files import last_lines
from perennial.processes.parts import succeeds
from perennial.processes.ports import HOST, free_port
from perennial.processes.process_group import adopt, alive, stop_group
from perennial.settings import Settings

START_SECONDS = 300.0


@contextmanager
def brief_service(where: Settings, usecase: str) -> Iterator[int]:
    """The port of a service that answers for the use case. Raises TransientError if it does not start."""
    port, log = free_port(0, "the service"), where.logs / "brief-service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "perennial.cli", "serve", usecase, "--host", HOST, "--port", str(port)],
            env={**os.environ, "PERENNIAL_HOME": str(where.home), "PERENNIAL_USECASES": str(where.usecases)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    pid = adopt(child)
    try:
        end = time.monotonic() + START_SECONDS
        while not succeeds(f"http://{HOST}:{port}/ready"):
            if not alive(pid) or time.monotonic() > end:
                raise TransientError(f"the service for {usecase} did not start; the end of {log}:\n{last_lines(log)}")
            time.sleep(0.1)
        yield port
    finally:
        stop_group(pid)


def post(port: int, path: str, record: bytes) -> dict[str, Any]:
    """The answer to a JSON body. Raises TransientError for one that is not answered, or not with status 200."""
    connection = HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("POST", path, record, {"content-type": "application/json"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as problem:
        raise TransientError(f"the service does not answer: {problem or type(problem).__name__}") from problem
    finally:
        connection.close()
    if response.status != 200:
        raise TransientError(f"the service answered with status {response.status}: {body.decode(errors='replace')}")
    answer: dict[str, Any] = json.loads(body)
    return answer
