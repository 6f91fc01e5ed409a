"""Killed while a model is signed: no version without its signature is left, and the next run makes one that has it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from perennial.signing.model_key import make_model_key
from perennial.signing.signature import Signatures
from perennial.store.registry import Registry
from tests.crashes.processes import exit_code
from tests.store.test_registry import training

SECONDS = 240.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_process_killed_while_it_signs_is_followed_by_one_signed_version(tmp_path: Path) -> None:
    make_model_key(tmp_path / "key", tmp_path / "home")
    registry = _registry(tmp_path)
    for point in ("model_signature.before", "model_signature.after", "mlflow_version.before"):
        assert _register(tmp_path, point) == (-signal.SIGKILL, None)
        assert registry.find("shop", "c1") is None
    assert _register(tmp_path, "") == (0, 1)
    model = registry.find("shop", "c1")
    assert model is not None and model.signed_with
    assert registry.signatures.of(registry.folder("shop", model)).state == "signed"
    assert _register(tmp_path, "") == (0, 1)


def _registry(folder: Path) -> Registry:
    signatures = Signatures(folder / "key", (folder / "key.pub",), True)
    return Registry(f"sqlite:///{folder}/mlflow/mlflow.db", f"{folder}/mlflow/artifacts", "", signatures)


def _register(folder: Path, point: str) -> tuple[int | None, int | None]:
    """Register a model in a separate process that dies at a point: its exit code, and the version that it got."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL", "MLFLOW"))}
    context = multiprocessing.get_context("forkserver")
    answer, its_end = context.Pipe(duplex=False)
    process = context.Process(target=_registers, args=(folder, variables | {"PERENNIAL_CRASH_AT": point}, its_end))
    process.start()
    its_end.close()
    code = exit_code(process, SECONDS)
    try:
        return code, answer.recv()
    except EOFError:
        return code, None


def _registers(folder: Path, variables: dict[str, str], answer: Connection) -> None:
    os.environ.clear()  # what was set when the process that it is forked from was started
    os.environ.update(variables)
    answer.send(_registry(folder).register("shop", training("c1", folder)).version)
