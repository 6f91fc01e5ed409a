"""No library reports to its makers how it is used, from this process or from one that it starts."""

from __future__ import annotations

import os

UNTRACKED = {
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""The variables by which Prefect, MLflow and Great Expectations are asked for that."""


def report_nothing() -> None:
    """Set the variables of this process, before it imports a library that reads them; one with a value keeps it."""
    for name, value in UNTRACKED.items():
        os.environ.setdefault(name, value)
