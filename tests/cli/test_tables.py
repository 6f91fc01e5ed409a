"""Tables on a terminal and in a pipe: no word is broken, no column is lost without a note."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.cli import alerts, calibrating, decisions, planning, reading, tables
from perennial.cli.prose import columns_of
from perennial.cli.tables import Column, pairs, table, width_of
from perennial.evaluation.words import BESIDE, FOUND, SHORT, SLICES
from perennial.fleet.standing import BAD
from perennial.ledger.entries import Alone, Mixture, Served
from tests.evaluation.conftest import primary_of
from tests.release.payloads import challenger, decision

COLUMNS = (Column("batch"), Column("rows", right=True), Column("because", gives_way=1), Column("failed", text=True))
WORDS = st.text("abcdefghij", min_size=1, max_size=12)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns without colours."""
    monkeypatch.setattr(tables, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("terminal")
@given(rows=st.lists(st.tuples(WORDS, st.integers(0, 10**7), st.lists(WORDS, max_size=40)), min_size=1, max_size=5))
def test_a_terminal_shows_every_word_whole_within_80_columns(rows: list[tuple[str, int, list[str]]]) -> None:
    lines = tables._lines(
        [COLUMNS[0], COLUMNS[1], COLUMNS[3]], [(b, f"{n:,}", " ".join(w)) for b, n, w in rows], 80, coloured=False
    )
    assert all(width_of(line) <= 80 for line in lines)
    shown = " ".join(lines).split()
    assert shown == ["batch", "rows", "failed", *(w for b, n, words in rows for w in _in_lines(b, n, words))]


def _in_lines(batch: str, rows: int, words: list[str]) -> list[str]:
    return [batch, f"{rows:,}", *words]


@pytest.mark.usefixtures("terminal")
def test_columns_give_way_before_a_line_is_too_long_and_the_last_line_names_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [("2024-01", "1,200", "the source was corrected by the team that owns it", "price: between 0 and 500 (3)")]
    table(COLUMNS, rows)
    narrow = capsys.readouterr().out
    assert "corrected" not in narrow and "price: between 0 and 500 (3)" in narrow
    assert narrow.endswith("Left out to fit: because. --wide shows every column.\n")
    table(COLUMNS, rows, wide=True)
    assert "the source was corrected by the team that owns it" in capsys.readouterr().out


def test_a_pipe_has_every_column_and_a_text_that_is_too_long_continues_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [("2024-01", "7", "new", "word " * 40), ("2024-02", "12", "new", "one word")]
    table(COLUMNS, rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "batch    rows  because  failed" and max(map(len, lines)) <= 80
    assert lines[1].startswith("2024-01     7  new      word word") and lines[2].startswith(" " * 24 + "word")
    assert lines[-1] == "2024-02    12  new      one word" and "".join(lines).count("word") == 41
    table(COLUMNS, rows, wide=True)
    assert len(capsys.readouterr().out.splitlines()) == 3, "one line per row"


def test_a_text_without_room_beside_its_row_stands_below_it_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    because = "the source was corrected by the team that owns it"
    table(COLUMNS, [("2024-01", "7", because, "word " * 40), ("2024-02", "12", because, "")])
    heading, row, *text, last = capsys.readouterr().out.splitlines()
    assert heading.endswith("  failed") and row == f"2024-01     7  {because}" and last == f"2024-02    12  {because}"
    assert all(line.startswith("  word") and len(line) <= 80 for line in text) and " ".join(text).count("word") == 40


def test_a_row_without_a_text_has_no_line_below_it_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    table(COLUMNS, [("batch-" * 14, "7", "new", ""), ("2024-02", "12", "new", "word " * 40)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("2024-02") and all(line.strip() for line in lines)


@pytest.mark.usefixtures("terminal")
def test_wide_letters_count_twice(capsys: pytest.CaptureFixture[str]) -> None:
    table((Column("batch"), Column("rows", right=True)), [("東京", "1"), ("oslo", "2")])
    assert [width_of(line) for line in capsys.readouterr().out.splitlines()] == [11, 11, 11]


@pytest.mark.usefixtures("terminal")
def test_long_values_of_pairs_continue_under_their_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    pairs([("because", "word " * 30), ("state", "fine")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(" " * 9 + "word") and lines[-1] == "state    fine"
    assert max(map(len, lines)) <= 80


def test_outcomes_have_their_colour_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("2024-01", "release")]
    monkeypatch.delenv("NO_COLOR", raising=False)
    table((Column("batch"), Column("outcome")), rows)
    assert "\033" not in capsys.readouterr().out
    monkeypatch.setattr(tables, "is_terminal", lambda: True)
    table((Column("batch"), Column("outcome")), rows)
    assert "\033[32mrelease\033[0m" in capsys.readouterr().out
    table((Column("use case"), Column("state")), [("shop", state) for state in BAD])
    shown = capsys.readouterr().out
    assert [f"\033[31m{state}\033[0m" in shown for state in BAD] == [True] * len(BAD)


STAY = {
    "batches": (reading.OF_BATCHES, "batch status arrived set aside failed checks (rows)"),
    "label files": (reading.OF_LABEL_FILES, "label file status labels set aside failed checks (rows)"),
    "decisions": (decisions.COLUMNS, "id batch outcome | gain 95 % interval | loss"),
    "plan": (planning.columns_of("day"), "gain day of labels reached | range over decisions"),
    "calibrate": (calibrating.COLUMNS, "channel per year 95 % interval | paging"),
    "routes": (alerts.OF_ROUTES, "use case route variable set here from severity channels"),
    "messages": (alerts.OF_UNDELIVERED, "message to attempts because"),
    "metrics": (columns_of(FOUND), "metric gain 95 % interval | champion challenger | verdict | p"),
    "deciding metrics": (columns_of(SHORT), "metric gain 95 % interval | champion challenger"),
    "slices": (columns_of(SLICES), "slice gain 95 % interval verdict | rows | champion challenger"),
    "other methods": (columns_of(BESIDE), "metric | interval by days alone | interval by rows alone"),
}
"""Of each table, the columns that are left out last: those of one `|` before those of the next."""


@pytest.mark.parametrize("name", STAY)
def test_what_was_found_stays_longest_on_a_narrow_terminal(name: str) -> None:
    columns, expected = STAY[name]
    ranks = sorted({column.gives_way for column in columns})
    groups = [{c.heading for c in columns if c.gives_way == rank} for rank in ranks]
    for group, words in zip(groups, expected.split(" | "), strict=False):
        assert set(words.split()) == {word for heading in group for word in heading.split()}


@pytest.mark.parametrize("name", STAY)
def test_a_number_stays_at_least_as_long_as_what_could_have_been_found(name: str) -> None:
    """A smallest detectable gain without the losses, or a p-value without the interval, shows nothing."""
    rank = {column.heading: column.gives_way for column in STAY[name][0]}
    seen = [rank[each] for each in ("champion", "challenger", "loss", "gain", "95 % interval") if each in rank]
    for heading, possible in rank.items():
        if heading == "p" or heading.startswith(("smallest", "at least")):
            assert all(each < possible for each in seen), heading


def test_decisions_fit_a_terminal_of_40_columns(
    terminal: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    row = (
        "0123abcd",
        "2024-02",
        "1",
        "2",
        "log_loss 0.1 → 0.2",
        "+0.0802",
        "+0.0100 to +0.150",
        "9",
        "28",
        "undecided",
    )
    table(decisions.COLUMNS, [row])
    head, line, *_ = capsys.readouterr().out.splitlines()
    assert line.split() == ["0123abcd", "2024-02", "undecided"] and width_of(line) <= 40 and "outcome" in head


def test_a_challenger_that_is_preferred_alone_has_a_line_with_its_gain() -> None:
    """Half of version 2 and half of version 1 gained .02; version 2 alone gained .03 and is live."""
    half = [Served(model=challenger(f"c{n}", n).model, challenger=f"c{n}", weight=0.5) for n in (2, 1)]
    mixed, alone = primary_of(0.02), primary_of(0.03)
    made = decision("d2", challenger("c2", 2), 1)

    def lines(*, is_live: bool) -> list[tuple[str, ...]]:
        of_alone = Alone(against_mixture=primary_of(0.01), metrics=(alone,), is_live=is_live)
        mixture = Mixture(members=tuple(half), challenger=alone, alone=of_alone)
        return decisions.lines_of(
            made.model_copy(update={"metrics": (mixed,), "mixture": mixture}), {"log_loss"}, short=True
        )

    columns = [column.heading for column in decisions.COLUMNS]
    shown = [dict(zip(columns, line, strict=True)) for line in lines(is_live=True)]
    assert [(each["challenger"], each["gain"], each["outcome"]) for each in shown] == [
        ("2+1", "+0.0200", "passed"),
        ("2", "+0.0300", "release"),
    ]
    assert [line[-1] for line in lines(is_live=False)] == ["release"]
