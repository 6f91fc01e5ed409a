"""A command typed wrong is answered with all that is wrong; a terminal has one line beside a spinner."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys

import pytest
from rich.cells import cell_len

import perennial.cli
from perennial.cli.running import beside_spinner
from perennial.cli.wrapping import fitted
from tests.cli.conftest import command
from tests.world import World

Captured = pytest.CaptureFixture[str]


def test_all_missing_options_are_named_at_once(capsys: Captured) -> None:
    assert command("waive", "flights") == 2
    assert "Missing options '--batch', '--reason'." in capsys.readouterr().err
    assert command("waive", "flights", "--by=Ada", "--batch", "2024-01") == 2
    assert "Missing option '--reason'." in capsys.readouterr().err


def test_a_batch_without_its_option_is_recognised(capsys: Captured) -> None:
    assert command("run", "flights", "2014-01") == 2
    assert "did you mean --batch 2014-01?" in capsys.readouterr().err
    assert command("status", "flights", "2014-01") == 2
    assert "--batch" not in capsys.readouterr().err, "status has no such option"


def test_a_word_in_place_of_a_number_is_answered_in_plain_words(capsys: Captured) -> None:
    assert command("dossier", "flights", "--release", "x") == 2
    assert "Invalid value for '--release': it should be a whole number" in capsys.readouterr().err


def test_a_wrong_decision_is_named_by_the_option_that_it_was_given_with(capsys: Captured, world: World) -> None:
    assert command("dossier", "shop", "--decision", "zzzz") == 2
    assert "--decision: 'zzzz' is not a decision id" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("run", "shop", "--batch", "2024-13"), "--batch"),
        (("ingest", "shop", "--batch", "2024-13"), "--batch"),
        (("backfill", "shop", "--first", "2024-13"), "--first"),
        (("backfill", "shop", "--last", "2024-13", "--dry-run"), "--last"),
    ],
)
def test_a_batch_that_the_source_does_not_have_is_refused_by_the_option_before_a_server_starts(
    capsys: Captured, world: World, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], option: str
) -> None:
    world.month("2024-01")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert command(*words) == 2
    wrong = capsys.readouterr().err
    assert wrong == f"{option}: the source of shop has no batch '2024-13'. It has 1: 2024-01\n"


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_range_that_ends_before_it_begins_is_refused(capsys: Captured, world: World, more: tuple[str, ...]) -> None:
    for month in ("2024-01", "2024-02"):
        world.month(month)
    assert command("backfill", "shop", "--first", "2024-02", "--last", "2024-01", "--json", *more) == 2
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert (error["code"], error["field"], error["value"]) == ("range-reversed", "--last", "2024-01")
    assert error["fix"] == "Swap the two: from 2024-01 to 2024-02."
    assert shown.err.startswith("--last: '2024-01' comes before the first batch, '2024-02'")


def test_a_use_case_in_place_of_a_template_is_named_as_help_shows_the_argument(capsys: Captured, world: World) -> None:
    assert command("fleet", "run", "shop") == 2
    assert capsys.readouterr().err.startswith("TEMPLATE: 'shop' is a use case, no template\n")


@pytest.mark.parametrize(
    ("program", "words"),
    [("true", "it was stopped while it was starting"), ("false", "it did not start; the end of ")],
)
def test_a_stack_that_down_stopped_while_it_started_is_not_shown_as_one_that_failed(
    capsys: Captured, world: World, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    """A stopped stack ends without an error, as the first of these programs does; one that fails does not."""
    monkeypatch.setattr(sys, "executable", shutil.which(program))
    assert command("up", "--detach") == 1
    wrong = capsys.readouterr().err
    assert wrong.startswith(words) and ("perennial down" in wrong) == (program == "true")


@pytest.mark.parametrize("width", [1, 40, 80])
def test_a_message_beside_the_spinner_takes_one_line(width: int) -> None:
    message = "batch 2024-01: 288 rows\naccepted (288 rows, 0 set aside), 変数が変わりました " + "x" * 90
    shown = beside_spinner(message, width)
    assert "\n" not in shown and cell_len(f"⠋ {shown}") < max(width, 4)


def test_ctrl_c_is_acknowledged_before_the_command_ends(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> int:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 1)
        return 130

    monkeypatch.setattr(perennial.cli, "_code_of_command", interrupted)
    assert command("run", "shop") == 130
    assert "Stopping ..." in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_command_for_mlflow_can_be_copied() -> None:
    line = f"  MLflow     .venv/bin/mlflow ui --backend-store-uri sqlite:///{'x' * 60}.db"
    assert line.partition("MLflow")[2].strip() in [each.strip() for each in fitted(line, 80).splitlines()]
