"""What a person reads of the parts' logs: each line once, tracebacks as their error, no secret, and no endless file."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.processes import log_files
from perennial.processes.log_files import Follower

TRACEBACK = """12:00 | ERROR | it failed
Traceback (most recent call last):
  File "a.py", line 1, in one
    two()
ValueError: two

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 2, in three
OSError: four
12:01 | INFO | goes on
"""


def add(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_only_what_is_added_is_read_and_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    add(log := tmp_path / "part.log", "before\n")
    follower = Follower(log)
    add(log, "one\n\ntw")
    assert follower.new_lines() == ["one"]
    add(log, "o\n")
    assert follower.new_lines() == ["two"]
    assert follower.new_lines() == []


def test_a_traceback_is_shown_as_its_error(tmp_path: Path) -> None:
    follower = Follower(log := tmp_path / "part.log")
    add(log, TRACEBACK)
    assert follower.new_lines() == [
        "12:00 | ERROR | it failed",
        "ValueError: two",
        "OSError: four",
        "12:01 | INFO | goes on",
    ]


def test_a_long_file_is_moved_and_its_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MOST_BYTES", 10)
    follower = Follower(log := tmp_path / "part.log")
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a long first line\n")
        assert follower.new_lines() == ["a long first line"]
        writer.write(b"next\n")
        assert follower.new_lines() == ["next"]
    assert (tmp_path / "part.log.1").read_text() == "a long first line\n"
    assert log.read_text() == "next\n"


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    follower = Follower(log := tmp_path / "part.log")
    add(log, "cannot connect to postgresql://ada:s3cret@host/ledger\n")
    (line,) = follower.new_lines()
    assert "s3cret" not in line
