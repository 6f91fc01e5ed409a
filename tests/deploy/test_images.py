"""The Containerfile, and what the images install."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

from tests.deploy.containers import DEPLOY, ROOT

TEXT = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
LINES = TEXT.replace("\\\n", " ").splitlines()


def program(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name(name), *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


def test_the_containerfile_has_no_finding() -> None:
    linted = program("hadolint", "--format", "json", "deploy/Containerfile")
    assert json.loads(linted.stdout) == []


def test_yaml_has_no_finding() -> None:
    linted = program("yamllint", "--strict", "--config-file", "deploy/.yamllint", "deploy")
    assert linted.stdout == ""


def test_what_the_images_install_has_the_pins_of_the_lock() -> None:
    files = runpy.run_path(str(DEPLOY / "requirements.py"))["files"]()
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run deploy/requirements.py after make install"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    service = next(text for path, text in files.items() if path.name == "service.lock")
    assert all(line in lock for line in service.splitlines()[1:])
    names = re.findall(r"^([\w.-]+)==", service, flags=re.M)
    assert {"treelite", "uvicorn", "psycopg"} <= set(names)
    assert not {"pandas", "scikit-learn", "mlflow", "prefect", "pyarrow", "great-expectations"} & set(names)


def test_images_run_without_root_and_install_by_hash() -> None:
    stages = re.split(r"^FROM ", TEXT, flags=re.M)[1:]
    last = {re.search(r"AS (\S+)", stage)[1]: stage for stage in stages}  # type: ignore[index]
    for name in ("service", "stack"):
        assert "USER 10001:10001" in last[name]
        assert "pip install" not in last[name]
    installed = [line for line in LINES if "--requirement" in line]
    assert installed and all("--require-hashes" in line and "--no-deps" in line for line in installed)


def test_what_is_copied_is_there_and_sent_to_the_build() -> None:
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in LINES if line.startswith("COPY") and "--from" not in line]
    assert copied
    for path in (path for paths in copied for path in paths):
        assert (ROOT / path).exists(), path
        assert f"!{path}" in sent, f"{path} is not sent to the build"
