"""The files of `deploy/`, and their commands run without a container."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.serving.running_service import STARTS_WITHIN, wait_for

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
TRAINERS = DEPLOY / "kubernetes" / "trainers"

_HIDE = """
import importlib.metadata, sys
from packaging.utils import canonicalize_name

allowed = set({allowed!r})
owners = importlib.metadata.packages_distributions()
hidden = {{top for top, names in owners.items() if not allowed & {{canonicalize_name(name) for name in names}}}}
found = importlib.metadata.Distribution.from_name


class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


def known(name):
    if canonicalize_name(name) not in allowed:
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)


sys.meta_path.insert(0, Hidden)
importlib.metadata.Distribution.from_name = known
"""


def compose() -> dict[str, Any]:
    """The compose file, with anchors resolved."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return content


def objects() -> list[dict[str, Any]]:
    """Every object of the Kubernetes base."""
    paths = [BASE / name for name in yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]]
    return [each for path in paths for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def trainers() -> list[dict[str, Any]]:
    """Every object of the work pool whose runs are jobs."""
    paths = [TRAINERS / name for name in yaml.safe_load((TRAINERS / "kustomization.yaml").read_text())["resources"]]
    return [each for path in paths for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def container(name: str) -> dict[str, Any]:
    """The container of a deployment of the Kubernetes base."""
    (found,) = [each for each in objects() if each["kind"] == "Deployment" and each["metadata"]["name"] == name]
    (only,) = found["spec"]["template"]["spec"]["containers"]
    return dict(only)


def commands(name: str) -> list[list[str]]:
    """The command of a part in the compose file and in Kubernetes."""
    return [compose()["services"][name]["command"], container(name)["command"]]


def only_packages_of(lock: str, folder: Path) -> Path:
    """A folder for PYTHONPATH in which Python finds the packages of that lock alone."""
    text = (DEPLOY / "requirements" / lock).read_text(encoding="utf-8")
    names = re.findall(r"^([A-Za-z0-9][\w.-]*)==", text, flags=re.M)
    allowed = sorted({re.sub(r"[-_.]+", "-", name).lower() for name in names} | {"perennial"})
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HIDE.format(allowed=allowed), encoding="utf-8")
    return folder


def on_this_machine(command: list[str], changes: dict[str, str]) -> list[str]:
    """The command with the programs of this environment, and with ports and paths of this test."""
    program = Path(sys.executable).with_name(command[0])
    return [str(program), *(changes.get(each, each) for each in command[1:])]


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a separate group, killed at the end if it still runs."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stopped(process: subprocess.Popen[bytes]) -> int:
    """The status of a process after the signal with which containers are stopped."""
    process.send_signal(signal.SIGTERM)
    return process.wait(STARTS_WITHIN)


def answers(process: subprocess.Popen[bytes], url: str, log: Path, status: int = 200) -> httpx.Response:
    """The first answer with this status."""
    responses: list[httpx.Response] = []

    def asked() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with httpx.Client(trust_env=False, timeout=60) as client:
                responses.append(client.get(url))
        except httpx.TransportError:
            return False
        return responses[-1].status_code == status

    wait_for(asked)
    return responses[-1]
