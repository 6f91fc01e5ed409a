"""Where no terminal shows what goes on, a command that is silent for long writes what it is busy with, once."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event

import pytest

from perennial.cli import output, silence
from perennial.cli.noted import STORY
from perennial.cli.running import _Lines, _Steps
from perennial.cli.silence import Silence
from tests.cli.conftest import command


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any silence is long."""
    monkeypatch.setattr(silence, "SECONDS", 0.0)


class Noted:
    """What was shown; an event for each time."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.event = Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self.event.set()


def test_what_takes_long_is_shown_once_and_what_was_followed_by_something_is_not(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = Noted()
    silent = Silence(noted)
    silent.begins("looking")
    assert noted.event.wait(60)
    assert noted.lines == ["looking ..."]
    monkeypatch.setattr(silence, "SECONDS", 3600.0)
    silent.begins("reading")
    silent.begins("writing")
    silent.ends()
    assert noted.lines == ["looking ..."] and silent._timer is None


@pytest.fixture
def noted(at_once: None, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The lines of this command's silence."""
    noted = Noted()
    monkeypatch.setattr(output.SILENCE, "_show", noted)
    return noted


def test_a_step_of_a_run_and_a_block_of_work_are_shown(noted: Noted, capsys: pytest.CaptureFixture[str]) -> None:
    steps = logging.getLogger("perennial.tests.steps")
    steps.propagate, steps.level = False, logging.INFO
    steps.addHandler(_Steps())
    steps.info("batch %s\n accepted", "2024-01")
    assert noted.event.wait(60)
    noted.event.clear()
    with output.working("looking at the history"):
        assert noted.event.wait(60)
    assert noted.lines == [
        "still working; the newest event: batch 2024-01 accepted ...",
        "looking at the history ...",
    ]
    assert capsys.readouterr().out == ""


def test_whatever_is_printed_ends_the_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "SECONDS", 3600.0)
    line = logging.LogRecord(STORY.name, logging.INFO, "", 0, "a line of the story", (), None)
    for shows in (lambda: output.say("x"), lambda: output.note("x"), lambda: _Lines(None, headed=False).emit(line)):
        output.SILENCE.begins("looking")
        assert output.SILENCE._timer is not None
        shows()
        assert output.SILENCE._timer is None


def test_a_command_that_prints_nothing_for_long_is_named(
    home: Path, noted: Noted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def waits(usecase: object, json: bool) -> None:
        assert noted.event.wait(60)

    monkeypatch.setattr("perennial.cli.reading.status", waits)
    assert command("status", "shop") == 0
    assert noted.lines == ["perennial status shop is still working ..."]
    assert capsys.readouterr() == ("", "")
