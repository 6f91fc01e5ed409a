"""An MLflow server, as a team starts one for itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perennial.processes.ports import HOST, free_port
from perennial.store.registry import registry
from tests.deploy.containers import answers, running


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Its address. folder: a new one for its database, and for the files that it stores, in `files`."""
    folder.mkdir()
    registry._make_database(folder / "mlflow.db")  # its migrations take seconds
    port = free_port(0, "an MLflow server")
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        f"{folder}/files",
    ]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = folder.with_suffix(".log")
    with running(command, environment, log) as process:
        answers(process, f"http://{HOST}:{port}/health", log)
        yield f"http://{HOST}:{port}"
