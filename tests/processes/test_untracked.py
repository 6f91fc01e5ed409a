"""A command lets no library report how it is used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.processes.untracked import UNTRACKED

CODE = """
import sys
sys.argv = ["perennial", "doctor"]
from perennial.cli import main
try:
    main()
except SystemExit:
    pass
import mlflow
from mlflow.telemetry.utils import is_telemetry_disabled
from prefect._internal.analytics.enabled import is_telemetry_enabled
print("prefect reports:", is_telemetry_enabled(), "mlflow reports:", not is_telemetry_disabled())
"""
_OF_MACHINES_FOR_TESTS = ("CI", "GITHUB_", "GITLAB_", "JENKINS_", "PYTEST_", "BUILD_", "TF_BUILD", "TRAVIS")


@pytest.mark.slow
def test_neither_prefect_nor_mlflow_reports_anything_after_a_command(tmp_path: Path) -> None:
    left_out = (*UNTRACKED, *_OF_MACHINES_FOR_TESTS, "PERENNIAL_", "MLFLOW_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    there = {"HOME": str(tmp_path), "PERENNIAL_HOME": str(tmp_path / "home"), "PERENNIAL_USECASES": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", CODE], env=variables | there, capture_output=True, text=True)
    assert "prefect reports: False mlflow reports: False" in run.stdout, run.stdout + run.stderr
    assert not list(tmp_path.rglob("*telemetry*"))
