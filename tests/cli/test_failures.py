"""Whatever goes wrong: a message, an exit code, JSON where it is asked for, never a stack trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from perennial.cli import app as commands
from perennial.cli.hints import _COMMANDS
from perennial.errors import HeldBack, InputError, RegistryDown, TerminalError
from tests.cli.conftest import command
from tests.places import lead_to
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lead_to(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def with_json() -> list[list[str]]:
    """Every command that has `--json` and takes a name, with words for the arguments that it needs."""
    group = typer.main.get_command(commands.app)
    found: list[list[str]] = []

    def below(group: Any, path: list[str]) -> None:
        for name, each in group.commands.items():
            if hasattr(each, "commands"):
                below(each, [*path, name])
                continue
            options = [parameter for parameter in each.params if "--json" in parameter.opts]
            needed = [p for p in each.params if p.required and p.param_type_name == "option"]
            arguments = ["nothing-of-that-name" for p in each.params if p.param_type_name == "argument"]
            if options and (arguments or needed):
                found.append([*path, name, *arguments, *(w for p in needed for w in (p.opts[0], "some words"))])

    below(group, [])
    return found


def test_all_commands_are_tried() -> None:
    assert {"check", "run", "status", "decision", "replay", "approve", "init"} <= {each[0] for each in with_json()}


@pytest.mark.parametrize("arguments", with_json(), ids=lambda words: " ".join(words[:2]))
def test_a_wrong_name_is_json_on_standard_output(
    arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command(*arguments, "--json")
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert code == 2, said.err
    assert set(error) == {"code", "kind", "message", "field", "value", "fix", "command", "docs", "mistakes"}
    assert (error["kind"], error["docs"]) == ("input", f"docs/errors.md#{error['code']}")
    assert error["message"] in said.err and "Traceback" not in said.err


@pytest.mark.parametrize("arguments", with_json(), ids=lambda words: " ".join(words[:2]))
def test_a_wrong_option_is_json_too(arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(*arguments, "--bogus", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["kind"]) == ("usage", "input")
    assert "--bogus" in error["message"] and "--help" in error["fix"]


def test_mistakes_of_a_declaration_come_each_with_its_code(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = World(home.parent / "usecases").declare()
    text = (shop.usecases / "shop.yaml").read_text()
    (shop.usecases / "shop.yaml").write_text(text.replace("log_loss", "logloss").replace("task: binary", "task: binry"))
    assert command("check", "shop", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "declaration-invalid"
    shown = {each["code"]: each for each in error["mistakes"]}
    assert {"declaration-unknown-value", "metric-unknown"} <= set(shown)
    assert (
        shown["metric-unknown"]["value"] == "logloss" and "did you mean 'log_loss'?" in shown["metric-unknown"]["fix"]
    )
    assert shown["metric-unknown"]["docs"] == "docs/errors.md#metric-unknown"


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (InputError("wrong"), 2, "input"),
        (HeldBack("held"), 3, "held"),
        (TerminalError("over"), 1, "terminal"),
        (RegistryDown("down"), 1, "transient"),
    ],
)
def test_the_exit_code_goes_with_the_kind(
    error: Exception,
    code: int,
    kind: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("perennial.cli.reading.status", fails)
    assert command("status", "--json") == code
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == kind


def test_what_nobody_foresaw_is_one_line_and_a_file_with_the_trace(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError("by nothing, at postgresql://ada:s3cr@t/x@host/db")

    monkeypatch.setattr("perennial.cli.reading.status", fails)
    home.mkdir()
    assert command("status") == 1
    said = capsys.readouterr()
    (log,) = (home / "failures").iterdir()
    assert "ZeroDivisionError: by nothing" in said.err and str(log) in said.err
    assert "Traceback" not in said.err and said.out == ""
    assert "Traceback" in log.read_text() and "in fails" in log.read_text()
    assert "s3cr" not in said.err + log.read_text()


def test_a_users_modules_are_not_taken_for_ours(home: Path) -> None:
    for name in ("tasks.py", "flows.py", "data_checks.py"):
        (home.parent / name).write_text("raise SystemExit('the wrong file was imported')\n")
    shown = subprocess.run(
        [sys.executable, "-m", "perennial.cli", "schema"], cwd=home.parent, capture_output=True, text=True, timeout=60
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    program = (
        "import runpy, sys; sys.argv = ['perennial', '--help']\n"
        "try: runpy.run_module('perennial.cli', run_name='__main__')\n"
        "except SystemExit: import tasks, flows; print(tasks.__file__)"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=home.parent, capture_output=True, text=True, timeout=60)
    assert str(ROOT / "tasks") in shown.stdout, shown.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_output_never_fails_for_its_encoding(encoding: str) -> None:
    program = (
        "from perennial.cli.output import any_encoding, as_json, note, say\n"
        "any_encoding(); say('0.31 → 0.29 – “Zürich” 東京'); note('≥ 東'); as_json({'city': '東京 ü'})"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=60,
    )
    line, _, rest = shown.stdout.decode(encoding).partition("\n")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(rest) == {"city": "東京 ü"}
    if encoding == "ascii":
        assert line == '0.31 -> 0.29 - "Z?rich" ??'


def test_the_command_that_helps_is_named_by_the_command_line_alone(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("waive", "shop", "--batch", "2031-01", "--by", "Ada", "--reason", "known", "--json") == 2
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert (error["code"], error["field"], error["value"]) == ("batch-unknown", "--batch", "2031-01")
    assert "perennial" not in error["message"]
    assert error["command"] == "`perennial batches USECASE` lists them" and error["command"] in said.err


def test_every_hint_is_for_a_code_that_there_is_and_names_a_command_that_there_is() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    names = typer.main.get_command(commands.app).commands  # type: ignore[attr-defined]
    for code, hint in _COMMANDS.items():
        assert f"### {code}\n" in page
        assert hint.split("`")[1].split()[1] in names


def test_a_prefect_server_that_was_stopped_or_is_too_busy_is_reported_in_two_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    from perennial.cli.failures import report, unexpected

    monkeypatch.setattr(sys, "argv", ["perennial", "run", "shop"])

    wrapped = RuntimeError("Failed to reach API at http://127.0.0.1:4200/api/")  # as Prefect's client does
    wrapped.__cause__ = httpx.ConnectError("gone")
    for error in (httpx.ReadTimeout("slow"), httpx.ConnectError("gone"), httpx.PoolTimeout("busy"), wrapped):
        shown = unexpected(error)
        assert (shown.code, shown.kind) == ("prefect-unreachable", "transient")
        assert report(shown) == 1
        first, *others = capsys.readouterr().err.splitlines()
        met = "ConnectError" if error is wrapped else type(error).__name__
        assert first == f"the Prefect server did not answer: {met}", "what Prefect wraps it in helps nobody"
        assert others == ["  Run the same command again: it goes on where this one stopped."]


@pytest.mark.parametrize("where", ["cause", "context", "further"])
def test_an_error_in_the_answer_to_ctrl_c_ends_as_interrupted(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    """Prefect raises a ValueError where the interrupt comes before a task has begun."""

    def status(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            error = ValueError("Task run is not set")
            if where == "cause":
                raise error from interrupt
            if where == "context":
                raise error  # noqa: B904 - as Prefect does
            try:
                raise error
            except ValueError:
                raise RuntimeError("the run could not be ended") from None

    monkeypatch.setattr("perennial.cli.reading.status", status)
    assert command("status", "shop") == 130
    shown = capsys.readouterr().err
    assert "interrupted: everything that was committed before is kept" in shown and "unexpected" not in shown
    assert not (home / "failures").exists()
