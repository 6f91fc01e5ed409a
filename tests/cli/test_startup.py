"""The command line answers at once, and explains what each command is for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from perennial.cli.app import app
from tests.cli.conftest import Perennial
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("prefect", "mlflow", "great_expectations", "sklearn", "scipy")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]

LOOK = """
import contextlib, io, json, sys
from perennial.cli import main
found = {}
for line in json.loads(sys.argv[1]):
    sys.argv = ["perennial", *line]
    code = 0
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    found[" ".join(line)] = [code, [name for name in json.loads(sys.argv_heavy) if name in sys.modules]]
print(json.dumps(found))
""".replace("sys.argv_heavy", repr(json.dumps(HEAVY)))


def test_what_only_reads_and_what_is_wrong_waits_for_no_heavy_library(settled: World) -> None:
    wrong = [["decision", "ffff"], ["run", "nobody"], ["ingest", "nobody"], ["train", "nobody"], ["batches", "nobody"]]
    right = [["--help"], ["run", "--help"], ["check", "shop", "--no-run"], ["schema"]]
    right += [
        [*line, *more] for line in (["status"], ["batches", "shop"], ["decisions", "shop"]) for more in ([], ["--json"])
    ]
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps([*right, *wrong])], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert {line: heavy for line, (_, heavy) in found.items() if heavy} == {}
    assert {line: code for line, (code, _) in found.items()} == {
        **{" ".join(line): 0 for line in right},
        **{" ".join(line): 2 for line in wrong},
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_what_it_is_for(perennial: Perennial, name: str) -> None:
    shown = perennial(name, "--help")
    assert shown.code == 0
    purpose = shown.out.split("\n\n")[1]
    assert len(purpose.split()) >= 4 and purpose.rstrip().endswith("."), shown.out
    for option in re.findall(r"^\s+(--[a-z-]+)(.*)$", shown.out, re.MULTILINE):
        assert re.search(r"[a-z]{3}", option[1]), f"{name} {option[0]} is not explained"


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    missing = [name for name in COMMANDS if not re.search(rf"perennial {name}\b|`{name}\b", text)]
    assert missing == [], "commands that README.md does not name"


def test_a_command_that_is_not_there_is_refused(perennial: Perennial) -> None:
    shown = perennial("retrain", "shop")
    assert shown.code == 2
    assert "retrain" in shown.err
