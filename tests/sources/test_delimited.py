"""What everyday files are made of: read where it is plain how, else refused with the right name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from perennial.errors import InputError
from perennial.sources.delimited import UnreadableBatch, header_of, lines_of, text_table
from perennial.sources.paths import files_in
from perennial.sources.read_options import ReadOptions

CSV = "order,at,note\n1,2024-01-01,x\n2,2024-01-02,y\n"


def nameless(value: object) -> str | None:
    """Bytes of an archive hold its time: two processes would name the test differently."""
    return "data" if isinstance(value, bytes) else None


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()


def workbook() -> bytes:
    return archive(**{"xl/workbook.xml": b"<workbook/>"})


@pytest.mark.parametrize("data", [b"x", b"x\n", b"x\r", b"order,at", b'"order"'])
def test_a_header_alone_is_a_table_without_rows_whether_a_line_break_ends_it_or_not(data: bytes) -> None:
    assert text_table(data, nulls=True).num_rows == 0


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        CSV.replace(",", "|").encode(),
        CSV.replace(",", "\t").encode(),
        ("sep=;\n" + CSV.replace(",", ";")).encode(),
        ("\ufeffsep=|\r\n" + CSV.replace(",", "|").replace("\n", "\r\n")).encode(),
        CSV.replace("\n", "\r").encode(),
        ("sep=,\r" + CSV.replace("\n", "\r")).encode(),
        gzip.compress(CSV.encode()),
        gzip.compress(CSV[:20].encode()) + gzip.compress(CSV[20:].encode()),
        pa.Codec("zstd").compress(CSV.encode(), asbytes=True),
        archive(**{"__MACOSX/._orders.csv": b"x", "orders.csv": CSV.encode()}),
    ],
    ids=nameless,
)
def test_what_is_read_is_the_same_whatever_it_is_written_with(data: bytes) -> None:
    assert header_of(data)[0] == ["order", "at", "note"]
    assert text_table(data, nulls=True).to_pydict() == {
        "order": ["1", "2"],
        "at": ["2024-01-01", "2024-01-02"],
        "note": ["x", "y"],
    }
    header, *rows = lines_of(data)
    assert header_of(header)[0] == ["order", "at", "note"] and len(rows) == 2
    assert text_table(header + rows[1], nulls=True)["order"].to_pylist() == ["2"]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (bz2.compress(CSV.encode()), "compressed with bzip2"),
        (lzma.compress(CSV.encode()), "compressed with xz"),
        (workbook(), r"an Excel workbook \(.xlsx\)"),
        (CSV.encode("utf-16"), "text in UTF-16"),
        (CSV.encode("utf-16-le"), "text in UTF-16"),
        (CSV.encode("utf-16-be"), "text in UTF-16"),
        (b"# export of Monday\n# by Ada\n" + CSV.encode(), r"begins with 2 lines of comments \(#\)"),
        (b"PAR1 and more", "is Parquet"),
        (gzip.compress(CSV.encode())[:-9], "cannot be unpacked"),
        (archive(**{"a.csv": b"x,y", "b.csv": b"x,y"}), r"holds 2 tables \(a.csv, b.csv\)"),
        (archive(**{"a.json": b"{}"}), r"holds no .csv, .tsv, .txt file \(a.json\)"),
    ],
    ids=nameless,
)
def test_another_format_is_named_with_what_to_do(data: bytes, named: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableBatch, match=named) as caught:
        header_of(data)
    assert caught.value.fix
    file = tmp_path / "orders.dat"
    file.write_bytes(data)
    if not any(each in named for each in ("comments", "Excel", "unpacked", "holds")):
        with pytest.raises(InputError, match=named):
            files_in(file)


def test_a_header_may_begin_with_a_number_sign() -> None:
    assert header_of(b"#order,at\n1,2024-01-01\n")[0] == ["#order", "at"]


@pytest.mark.parametrize("data", [b"or\0der,at\n1,2\n", b"title\norder,\0\n1,2\n"])
def test_a_header_with_byte_0_is_refused(data: bytes) -> None:
    read = ReadOptions(skip_lines=1 if data.startswith(b"title") else 0)
    with pytest.raises(UnreadableBatch, match="NUL character") as refused:
        text_table(data, nulls=True, read=read)
    assert "utf-16" in refused.value.fix
