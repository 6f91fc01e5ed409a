"""A CSV file that is read part by part has the texts, and the faults, that it has as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perennial.sources.delimited as delimited
import perennial.sources.opened as opened
from perennial.sources.csv_in_parts import csv_file
from perennial.sources.delimited import UnreadableBatch, text_table
from perennial.sources.read_options import ReadOptions
from tests.sources.test_delimited import archive

VALUES = st.sampled_from(
    ["", "1", "NA", '"NA"', '""', "é", "1.5", '"a,b"', '"two\nlines"', '"say ""x"""', "x y", " ", "€"]
)
ODD = st.sampled_from(['"open', "1,2", "#", "\x00"])
READS = st.sampled_from([ReadOptions(), ReadOptions(quote=""), ReadOptions(skip_lines=2), ReadOptions(quote="'")])
PACKED: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    gzip.compress,
    lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:]),
    lambda data: pa.Codec("zstd").compress(data, asbytes=True),
    lambda data: archive(**{"orders.csv": data}),
    lambda data: gzip.compress(data)[:-9],
)
CUT = PACKED[-1]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (opened, delimited):
        monkeypatch.setattr(module, "HEAD", 200)
    monkeypatch.setattr(opened, "_PART", 7)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file as programs write them, and now and then as they should not."""
    columns = draw(st.integers(1, 3))
    width = st.just(columns) if draw(st.booleans()) else st.integers(1, 4)
    values = VALUES if draw(st.booleans()) else VALUES | ODD
    rows = [draw(st.lists(values, min_size=n, max_size=n)) for n in draw(st.lists(width, max_size=40))]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    names = draw(st.sampled_from(["c{n}", "c{n}", "c{n}", "\x00{n}", "é {n}", '"c,{n}"']))
    lines = [",".join(row) for row in [[names.format(n=n) for n in range(columns)], *rows]]
    title = draw(st.sampled_from(["", "\ufeff", "sep=,\n", "a title\n\n", "\n", "# a comment\n"]))
    text = title + end.join(lines) + draw(st.sampled_from(["", end, end * 2]))
    data = text.encode()
    return draw(st.sampled_from([data, data, data, data + "é".encode("latin-1"), text.encode("utf-16")]))


def outcome(read: Callable[[], pa.Table]) -> object:
    """The texts of a table by its columns, or why there is none."""
    try:
        table = read()
    except UnreadableBatch as problem:
        return str(problem), problem.fix
    return list(zip(table.column_names, table.to_pydict().values(), strict=True))


@given(data=files(), packed=st.sampled_from(PACKED), read=READS, nulls=st.booleans())
def test_whatever_it_holds(data: bytes, packed: Callable[[bytes], bytes], read: ReadOptions, nulls: bool) -> None:
    data = packed(data)
    whole = outcome(lambda: text_table(data, nulls=nulls, read=read))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_bytes(data)

        def in_parts() -> pa.Table:
            file = csv_file(path, read)
            return (
                text_table(data, nulls=nulls, read=read) if file is None else pa.concat_tables(file.texts(nulls=nulls))
            )

        found = outcome(in_parts)
        if (packed is CUT or read.skip_lines) and isinstance(whole, tuple):
            assert isinstance(found, tuple), "of two faults either may show first"
        else:
            assert found == whole


def test_lines_are_counted_with_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    for end, lines in (("", 3), ("\n", 3), ("\n\n", 4)):
        path.write_text("a,b\n1,2\n3,4" + end)
        file = csv_file(path, ReadOptions())
        assert file is not None and file.lines == lines


@pytest.mark.parametrize(
    ("text", "read"),
    [("a,b\r1,2\r", ReadOptions()), ("a\n1\n", ReadOptions(comment="#")), ("a\n1\n", ReadOptions(encoding="cp1252"))],
)
def test_what_shows_only_in_the_whole_is_read_as_a_whole(text: str, read: ReadOptions, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode())
    assert csv_file(path, read) is None
