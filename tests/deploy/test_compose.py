"""The compose file: valid, complete, and its commands start and end on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from perennial.processes.alerter import has_looked
from perennial.processes.ports import free_port
from perennial.settings import settings
from tests.deploy.containers import DEPLOY, ROOT, answers, commands, compose, on_this_machine, running, stopped
from tests.deploy.test_images import program
from tests.serving.running_service import wait_for


def test_the_file_fits_the_schema_of_compose() -> None:
    checked = program("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml")
    assert checked.returncode == 0, checked.stdout


def test_every_variable_has_an_example_and_every_file_is_there() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    examples = dict(
        line.split("=", 1) for line in (DEPLOY / "example.env").read_text().splitlines() if not line.startswith("#")
    )
    assert set(re.findall(r"\$\{(\w+)", text)) == set(examples)
    for service in compose()["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), mount
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
            assert f"AS {service['build']['target']}\n" in (DEPLOY / "Containerfile").read_text()


def test_no_part_of_the_stack_is_reached_from_other_machines_but_the_proxy() -> None:
    for name, service in compose()["services"].items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), name


def test_nothing_of_ours_runs_with_more_rights_than_it_needs() -> None:
    for name, service in compose()["services"].items():
        if service.get("image", "").startswith("perennial-"):
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a container, with an empty home on this machine."""
    (tmp_path / "usecases").mkdir()
    (tmp_path / "home").mkdir()
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL", "MLFLOW"))}
    return others | {"PERENNIAL_HOME": str(tmp_path / "home"), "PERENNIAL_USECASES": str(tmp_path / "usecases")}


@pytest.mark.parametrize("place", [0, 1], ids=["compose", "kubernetes"])
def test_the_site_answers_and_ends(environment: dict[str, str], tmp_path: Path, place: int) -> None:
    port, log = free_port(0, "the site"), tmp_path / "log"
    command = on_this_machine(commands("site")[place], {"8080": str(port)})
    with running(command, environment, log) as process:
        answers(process, f"http://127.0.0.1:{port}/metrics", log)
        assert stopped(process) == 0, log.read_text()


def test_the_parts_without_a_port_start_and_end(environment: dict[str, str], tmp_path: Path) -> None:
    where = settings(environment)
    for name, ready in (("alerts", lambda: has_looked(where)), ("maker", lambda: (where.home / "home.json").exists())):
        first, second = commands(name)
        assert first == second
        log = tmp_path / f"{name}.log"
        with running(on_this_machine(first, {}), environment, log) as process:
            wait_for(ready)
            assert stopped(process) == 0, log.read_text()
            assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("name", ["prefect", "deployer", "worker"])
def test_both_ways_run_the_same_program(name: str) -> None:
    ways = [[each.replace("=", " ") for each in command] for command in commands(name)]
    first, second = (set(" ".join(way).split()) for way in ways)
    assert first - second <= {"--name", "compose", "--host", "0.0.0.0"} and second - first <= {"--host", "0.0.0.0"}
    assert (ROOT / "prefect.yaml").is_file()
