"""MLflow's UI on the home's runs and models. Run as `python -m perennial.processes.mlflow_ui PORT [HOST]`.

The database is prepared first, because MLflow's processes would all migrate an empty one at once. Its address goes
through the environment, since it may hold a password and command lines can be read by every user.
"""

from __future__ import annotations

import os
import runpy
import sys
import warnings

from perennial.processes.ports import HOST
from perennial.settings import settings
from perennial.store.workspace import open_workspace

OPTIONS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its job runners are for generative models
    "PYTHONWARNINGS": "ignore",  # of its libraries about themselves
}


def main(port: str, host: str = HOST) -> None:
    """Run MLflow's server, in this process: another one would import all of MLflow once more."""
    where = settings()
    open_workspace(where).registry.prepare()
    os.environ.update(OPTIONS | {"MLFLOW_BACKEND_STORE_URI": where.mlflow_tracking_uri})
    warnings.simplefilter("ignore")
    sys.argv = ["mlflow", "server", "--host", host, "--port", port, "--workers", "1"]
    sys.argv += ["--uvicorn-opts", "--log-level warning"]
    runpy.run_module("mlflow", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:3])
