"""The house rules that no tool checks for us."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CODE = ("perennial", "flows", "tasks", "data_checks")


def tracked_files() -> list[Path]:
    """Every text file that git knows, or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def test_make_help_lists_every_target() -> None:
    told = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"help", "demo", "test", "test-all", "lint", "types", "imports", "check", "down", "lock", "clean"} <= targets
    for target in targets:
        assert re.search(rf"^  make {target} +\S", told, re.MULTILINE), f"make help does not list {target}"
    assert max(map(len, told.splitlines())) <= 80


def test_every_pin_has_a_hash_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    pins = re.split(r"\n(?=\S)", text.strip())
    assert len(pins) > 100
    for pin in pins:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+( ; .*)? \\\n", pin), pin.splitlines()[0]
        assert re.search(r"\n    --hash=sha256:[0-9a-f]{64}", pin), pin.splitlines()[0]
    assert not re.search(r"://|file:|^\s*-(?!-hash)|--index|--find-links| @ ", text, re.MULTILINE)


def test_what_the_project_needs_is_pinned() -> None:
    pinned = set(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names <= pinned


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    # Written in pieces, so that this file does not find itself.
    home = re.compile(r"(?<![\w.])/(?:ro" + r"ot|wo" + r"rk|ho" + r"me|Us" + r"ers)/")
    registry = re.compile(r"py" + r"pi\.org|pythonh" + r"osted|npm" + r"js\.|/simp" + r"le/")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if home.search(line) or registry.search(line)
    ]
    assert found == []


def test_ci_is_executable_and_well_formed() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)


@pytest.mark.parametrize(("broken", "code"), [("", 0), ("lint", 1), ("test-all", 1)])
def test_ci_fails_when_any_step_fails_and_still_runs_the_others(tmp_path: Path, broken: str, code: int) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    steps = ["install", "lint", "types", "imports", "test-all"]
    rules = [f"{step}:\n\t@echo did {step}; {'false' if step == broken else 'true'}\n" for step in steps]
    (tmp_path / "Makefile").write_text(f".PHONY: {' '.join(steps)}\n" + "".join(rules))
    done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    places = [done.stdout.index(f"did {step}") for step in steps]
    assert all(before < after for before, after in pairwise(places))


def test_a_machine_without_a_suitable_python_shows_what_to_do(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    for script in (old, bare):
        script.chmod(0o755)
    for pythons, told in ((f"{old}", "No Python from 3.11 to 3.13 was found"), (f"{old} {bare}", "-venv")):
        done = subprocess.run(
            ["make", "install", f"PYTHON={pythons}"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert told in done.stderr
        assert "make PYTHON=" in done.stderr
        assert not (tmp_path / ".venv").exists()


def test_every_folder_and_module_of_the_core_has_its_layer() -> None:
    layers, core, *_ = PYPROJECT["tool"]["importlinter"]["contracts"]
    layered = {name for layer in layers["layers"] for name in re.split(r" [|:] ", layer)}
    inside = {
        f"perennial.{path.stem}"
        for path in (ROOT / "perennial").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }
    assert layered == inside | {"flows", "tasks", "data_checks"}
    assert set(core["source_modules"]) == inside - {"perennial.cli", "perennial.processes"}


def test_a_forbidden_import_is_caught_by_each_contract(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in CODE:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    offences = {
        "perennial/store/offence.py": "import perennial.release\n",
        "perennial/release/offence.py": "import prefect\n",
        "perennial/watching/offence.py": "def late():\n    import mlflow.sklearn\n",
        "flows/offence.py": "import pandas\n",
        "tasks/offence.py": "from great_expectations import expectations\n",
    }
    for name, text in offences.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]:
        assert f"{contract['name']} BROKEN" in done.stdout
    for name in offences:
        assert name.removesuffix(".py").replace("/", ".") in done.stdout
