"""Killed while a model is signed: no version without its signature is left, and the next run makes one that has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.signing.model_key import make_model_key
from perennial.signing.signature import Signatures
from perennial.store.registry import Registry

REGISTERS = """
import sys
from pathlib import Path
from perennial.signing.signature import Signatures
from perennial.store.registry import Registry
from tests.store.test_registry import training
folder = Path(sys.argv[1])
signatures = Signatures(folder / "key", (folder / "key.pub",), True)
registry = Registry(f"sqlite:///{folder}/mlflow/mlflow.db", f"{folder}/mlflow/artifacts", "", signatures)
print(registry.register("shop", training("c1", folder)).version)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_process_killed_while_it_signs_is_followed_by_one_signed_version(tmp_path: Path) -> None:
    make_model_key(tmp_path / "key", tmp_path / "home")
    signatures = Signatures(tmp_path / "key", (tmp_path / "key.pub",), True)
    registry = Registry(f"sqlite:///{tmp_path}/mlflow/mlflow.db", f"{tmp_path}/mlflow/artifacts", "", signatures)
    for point in ("model_signature.before", "model_signature.after", "mlflow_version.before"):
        assert _register(tmp_path, point).returncode == -signal.SIGKILL
        assert registry.find("shop", "c1") is None
    assert _register(tmp_path, "").stdout.split() == ["1"]
    model = registry.find("shop", "c1")
    assert model is not None and model.signed_with
    assert signatures.of(registry.folder("shop", model)).state == "signed"
    assert _register(tmp_path, "").stdout.split() == ["1"]


def _register(folder: Path, point: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL", "MLFLOW"))}
    return subprocess.run(
        [sys.executable, "-c", REGISTERS, str(folder)],
        env={**environment, "PERENNIAL_CRASH_AT": point},
        capture_output=True,
        text=True,
        check=False,
    )
