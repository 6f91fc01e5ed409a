"""What a person sees on a terminal of 80 columns: whole words, nothing cut off; in a pipe, as wide."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import pty
import re
import select
import shlex
import struct
import termios
from pathlib import Path

import pandas as pd
import pytest
import yaml

from perennial.cli.prose import prose
from perennial.cli.wrapping import fitted
from perennial.ledger.entries import ChallengerEntry, Decision, Release
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import payloads
from tests.in_pipes import in_pipes, perennial
from tests.staged import begin_stage
from tests.world import World

COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")
ERASED = re.compile(r".*\x1b\[2K")
"""What a terminal no longer shows: the earlier pictures of a spinner."""
READING = (
    ("status", "shop"),
    ("batches", "shop"),
    ("decisions", "shop"),
    ("plan", "shop"),
    ("quarantine", "shop"),
    ("replay", "shop"),
    ("ledger", "verify"),
    ("doctor", "shop", "--dry-run"),
    ("rollback", "shop", "--reason", "a try", "--dry-run"),
)


def on_terminal(*words: str) -> list[str]:
    """The lines of a command on a terminal of 80 columns, without its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = multiprocessing.get_context("forkserver").Process(
        target=_perennial_on_terminal, args=(words, environment, os.ttyname(theirs))
    )
    process.start()
    written = b""
    while ours in select.select([ours, process.sentinel], [], [])[0]:  # until it has ended and all is read
        written += os.read(ours, 65536)
    process.join()
    os.close(theirs)
    os.close(ours)
    return COLOURS.sub("", ERASED.sub("", written.decode())).splitlines()


def _perennial_on_terminal(words: tuple[str, ...], environment: dict[str, str], terminal: str) -> None:
    perennial(words, environment, (os.open(terminal, os.O_RDWR),) * 3)


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_no_line_of_a_reading_command_is_wider_than_the_terminal(settled: World) -> None:
    (decision,) = payloads(Decision)
    assert isinstance(decision, Decision)
    for words in (*READING, ("decision", decision.id), ("decision", decision.id[:5])):
        lines = on_terminal(*words)
        assert lines, words
        wide = [line for line in lines if len(line) > 80 and " " in line.strip() and "perennial " not in line]
        assert wide == [], words


@pytest.mark.usefixtures("settled")
def test_running_text_is_wrapped_in_a_pipe_too() -> None:
    (decision,) = payloads(Decision)
    assert isinstance(decision, Decision)
    for words in (("status", "shop"), ("check", "shop", "--no-run"), ("decision", decision.id)):
        ended = in_pipes(*words)
        lines = ended.out.splitlines()
        assert ended.code == 0, words
        text = [line for line in lines if " " in line.strip() and "  " not in line.strip()]
        wide = [line for line in text if len(line) > 80 and "perennial " not in line]
        assert text and wide == [], words


@pytest.mark.usefixtures("settled")
def test_a_look_at_a_stage_and_other_answers_are_wrapped_in_a_pipe(settled: World) -> None:
    workspace = open_workspace(settings())
    (decision,) = payloads(Decision)
    assert isinstance(decision, Decision)
    waiting = workspace.ledger.all("shop", ChallengerEntry)[-1].payload
    begin_stage(workspace, waiting.model, decision=decision.id)
    settled.declare(release={"policy": "balanced", "stages": [{"shadow": "7d"}, "full"]})
    for words, part in (
        (("stage", "shop", "--dry-run"), "Nothing was changed."),
        (("ledger", "verify"), "all intact"),
        (("plan", "shop", "--stages"), "Shadow, 7 days: a candidate that fails twice as often"),
    ):
        shown = piped(*words)
        assert part in " ".join(shown.split())
        assert max(map(len, shown.splitlines())) <= 80 < len(" ".join(shown.split())), shown


@pytest.mark.usefixtures("settled")
def test_the_lines_of_a_person_who_decides_and_those_of_a_fix_are_wrapped_in_a_pipe(settled: World) -> None:
    ledger = open_workspace(settings()).ledger
    first = ledger.all("shop", Release)[0].payload
    ledger.append("shop", first.model_copy(update={"release_no": 2, "kind": "release"}))
    file = settled.usecases / "shop.yaml"
    file.write_text(file.read_text().replace("primary: log_loss", "primary: logloss"))
    checked = piped("check", "shop", "--no-run")
    assert "did you mean" in checked and "Known metrics" in checked
    file.write_text(file.read_text().replace("primary: logloss", "primary: log_loss"))
    back = piped("rollback", "shop", "--reason", "the weather was " + "very " * 20 + "bad")
    assert "again as release 3" in " ".join(back.split())
    for shown in (checked, back):
        assert [line for line in shown.splitlines() if len(line) > 80 and not line.startswith(("/", "usecases"))] == []


MANY = """
erase shop --key {key} --by Ben --reason asked --dry-run
erase shop --key {key} --by Ben --reason asked
erase shop --key {key} --by Ben --reason asked
erase shop --keys-file {folder}/nosuch.csv --by Ben --reason asked
status
status nosuch
check shop --no-run
check broken
check unreadable
plan shop
quarantine shop
replay shop
replay shop --deep
fleet
fleet --state nosuch
fleet --tag x=y
fleet run --dry-run
decision {decision}
decision {decision} --full
decision nosuch
lineage shop batch:2024-02/1
approve {decision} --by Ada --reason fine
refuse {decision} --by Ada --reason bad
resume shop --by Ada --reason over
rollback shop --reason ''
rollback shop --reason bad --dry-run
requeue shop --dry-run
waive shop --batch 2030-01 --check x --by Ada --reason fine
stage shop
doctor --dry-run
maintain --dry-run
retain --dry-run
ledger verify
verify-model shop
sign-model shop
anchor
keys {folder}/key
alerts
alerts test shop
openlineage
dossier shop
page shop
run shop --batch 2030-01
run shop --dry-run
backfill shop --dry-run
replay-traffic shop --url http://127.0.0.1:1
run
nosuch
run shop --nosuch
init {folder}/returned_orders_of_the_whole_year.csv --target returned
"""
"""Commands and mistakes in them, the erasure first so that the others show what follows from it."""
ROW = re.compile(r"\S {2,}\S.*\S {2,}\S")
"""A row of a table, which has one line in a pipe."""


@pytest.mark.slow
def test_no_running_text_in_a_pipe_is_wider_than_80_columns(settled: World, tmp_path: Path) -> None:
    (decision,) = payloads(Decision)
    assert isinstance(decision, Decision)
    broken = settled.declaration | {"name": "broken", "evaluation": {"primary": "logloss"}, "clock": "sundial"}
    (settled.usecases / "broken.yaml").write_text(yaml.safe_dump(broken))
    (settled.usecases / "unreadable.yaml").write_text("name: [")
    january = settled.usecases / "shop" / "2024-01.csv"
    (tmp_path / "returned_orders_of_the_whole_year.csv").write_text(january.read_text())
    wide: dict[str, list[str]] = {}
    for line in MANY.format(key=pd.read_csv(january)["order"][0], decision=decision.id, folder=tmp_path).split("\n")[
        1:-1
    ]:
        ended = in_pipes(*shlex.split(line))
        assert ended.code in (0, 1, 2, 3) and "Traceback" not in ended.err, (line, ended.err)
        shown = [*ended.out.splitlines(), *ended.err.splitlines()]
        assert shown, line
        wide[line] = [each for each in shown if fitted(each, 80) != each and not ROW.search(each)]
    assert {line: shown for line, shown in wide.items() if shown} == {}


def piped(*words: str) -> str:
    """What a command writes into a pipe, on both streams."""
    ended = in_pipes(*words)
    return ended.out + ended.err


@pytest.mark.parametrize("width", [20, 40, 80])
def test_lines_break_between_words_and_commands_stay_whole(width: int) -> None:
    command = "`perennial waive shop --batch 2024-03 --check 'price: between 0 and 500' --by NAME`"
    text = f"a batch is held since its prices are out of range\n  to accept it: {command} or correct the source"
    lines = fitted(text, width).split("\n")
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    assert sum(command in line for line in lines) == 1
    assert all(len(line) <= width for line in lines if command not in line)
    assert all(line.startswith("  ") for line in lines[lines.index(next(x for x in lines if "to" in x[:6])) :])


def test_the_words_of_a_decision_lose_their_markup_and_keep_their_tables(capsys: pytest.CaptureFixture[str]) -> None:
    prose("### Version 2\n\nlog\\_loss of `a` is **better** &lt; 1\n\n| metric | gain |\n| --- | --- |\n| a\\|b | +1 |")
    assert capsys.readouterr().out == "Version 2\n\nlog_loss of a is better < 1\n\nmetric  gain\na|b       +1\n"
