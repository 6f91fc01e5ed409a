"""Files with rows of one window may be written in different ways where each file shows its own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import InputError
from perennial.sources.joined import Piece, joined_csv
from perennial.sources.parsing import parse

NAMES = ("a", "b", "c")
VALUES = st.text(st.sampled_from('ab,;|\t"\n 1é'), max_size=5)


def piece(name: str, rows: list[list[str]], columns: tuple[str, ...] = NAMES, delimiter: str = ",") -> Piece:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([columns, *rows])
    header, rest = out.getvalue().encode().split(b"\n", 1)
    return Piece(Path(name), columns, delimiter, header + b"\n", rest)


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@given(
    rows=st.lists(st.tuples(VALUES, VALUES, VALUES).map(list), min_size=1, max_size=4),
    delimiters=st.tuples(*[st.sampled_from(",;|\t")] * 2),
    order=st.permutations(range(3)),
)
def test_another_delimiter_and_another_order_change_no_value(
    rows: list[list[str]], delimiters: tuple[str, str], order: list[int]
) -> None:
    first = piece("1.csv", rows, delimiter=delimiters[0])
    columns = tuple(NAMES[place] for place in order)
    second = piece("2.csv", [[row[place] for place in order] for row in rows], columns, delimiters[1])
    data = joined_csv([first, second], '"')
    read = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiters[0]))
    assert read == [list(NAMES), *rows, *rows]


def test_quotes_inside_a_value_and_a_decimal_comma_survive() -> None:
    first = piece("1.csv", [["1", "2", "3"]])
    second = Piece(Path("2.csv"), NAMES, ";", b"a;b;c\n", b'5" x 7";1,5;"NA"\r\n;NA;x\n')
    read = rows_of(joined_csv([first, second], '"'))
    assert read[2:] == [['5" x 7"', "1,5", "NA"], ["", "NA", "x"]]


def test_a_quoted_na_stays_a_text() -> None:
    second = Piece(Path("2.csv"), NAMES, ";", b"a;b;c\n", b'"NA";NA;1,5\n')
    data = joined_csv([piece("1.csv", [["1", "2", "3"]]), second], '"')
    frame = parse(data, ".csv", {"a": "text", "b": "text"}, "UTC").frame
    assert frame["a"].tolist() == ["1", "NA"]
    assert frame["b"].isna().tolist() == [False, True]


def test_names_in_another_form_are_the_same_columns() -> None:
    second = piece("2.csv", [["1", "2", "3"]], ("b ", "a", "c"))
    assert rows_of(joined_csv([piece("1.csv", [["7", "8", "9"]]), second], '"'))[2] == ["2", "1", "3"]


def test_without_quotes_another_delimiter_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r"2.csv: its delimiter is ';', that of 1.csv is ','"):
        joined_csv([piece("1.csv", []), piece("2.csv", [["1", "2", "3"]], delimiter=";")], "")
