"""The bytes of a CSV file as the text of a table in UTF-8: unpacked, decoded, without comments."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from perennial.errors import InputError

if TYPE_CHECKING:
    from perennial.sources.read_options import ReadOptions

BOM = codecs.BOM_UTF8
GZIP, ZSTD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"

_OTHER_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it with `unxz`"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", "save it as .xlsx, or the sheet as CSV (UTF-8)"),
    (b"PAR1", "Parquet", "give it a name that ends in .parquet"),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"<html", "a web page (HTML)", "open it in a spreadsheet and save it as .xlsx or as CSV (UTF-8)"),
    (b"<!DOCTYPE html", "a web page (HTML)", "open it in a spreadsheet and save it as .xlsx or as CSV (UTF-8)"),
    (b"<?xml", "XML", "open it in a spreadsheet and save it as .xlsx or as CSV (UTF-8)"),
)
"""How bytes begin that are no CSV: what they are, and how they become one."""

_SEPARATOR_LINE = re.compile(rb"(?i)sep=(.)\r?[\r\n]")
_TABLES = (".csv", ".tsv", ".txt")
HEAD = 1 << 24
"""Bytes of a file that hold its header, and what stands above it."""
_PART = 1 << 22
_UTF16 = "write `encoding: utf-16` under source.read"


class UnreadableBatch(InputError):
    """The bytes of a batch cannot be read as a table at all. Nothing of it was taken in."""

    code = "batch-unreadable"


def opened(data: bytes, read: ReadOptions) -> bytes:
    """The bytes of a CSV from its header on, in UTF-8, lines ended by a line feed or a carriage return and one.

    Left out are a byte order mark, Excel's first line `sep=;`, the lines that `skip_lines` counts, and comments; a
    carriage return alone ends a line as on old Macs.
    Raises UnreadableBatch for an archive that cannot be unpacked, another format or another encoding.
    """
    body = _in_utf8(unpacked(data), read)
    if b"\n" not in body and b"\r" in body:
        body = body.replace(b"\r", b"\n")
    body = _from_header(body, read)
    return body if read.comment is None else _without_comments(body, read.comment.encode(), read.quote.encode())


def opened_parts(path: Path, read: ReadOptions) -> Generator[bytes]:
    """As `opened`, part by part, of a file in UTF-8 without comments and with line feeds. Raises as it."""
    with path.open("rb") as file:
        parts, head = unpacked_parts(file), b""
        while len(head) < HEAD and (part := next(parts, b"")):
            head += part
        _refuse_other_format(head, read)
        texts = _parts_in_utf8(chain([head], parts))
        yield _from_header(next(texts, b"").removeprefix(BOM), read)
        yield from texts


def _from_header(body: bytes, read: ReadOptions) -> bytes:
    """Without what stands above the header. body: its start at least. Raises UnreadableBatch for too few lines."""
    if line := _SEPARATOR_LINE.match(body):
        body = body[line.end() :]
    return _without_first(body, read.skip_lines) if read.skip_lines else body


def closed(body: bytes, read: ReadOptions) -> bytes:
    """Text in UTF-8 as the bytes that `opened` reads it from; empty lines stand for those that it skips."""
    body = b"\n" * read.skip_lines + body
    if read.encoding == "utf-8":
        return body
    if read.encoding == "utf-16":
        return codecs.BOM_UTF16_LE + body.decode("utf-8").encode("utf-16-le")
    return body.decode("utf-8").encode(read.encoding)


def is_packed(data: bytes) -> bool:
    """Whether bytes are compressed in a way that `unpacked` knows."""
    return data.startswith((GZIP, ZSTD, ZIP))


def unpacked(data: bytes) -> bytes:
    """The bytes that gzip, Zstandard or a zip of one table hold; others as they are. Raises UnreadableBatch."""
    if not is_packed(data):
        return data
    return b"".join(unpacked_parts(io.BytesIO(data)))


def unpacked_parts(packed: IO[bytes]) -> Iterator[bytes]:
    """What `unpacked` returns, part by part. Raises UnreadableBatch."""
    import pyarrow as pa

    start = packed.read(len(ZIP))
    packed.seek(0)
    if not is_packed(start):
        yield from _parts(packed)
        return
    try:
        if start.startswith(GZIP):
            with gzip.GzipFile(fileobj=packed) as stream:
                yield from _parts(stream)
        elif start.startswith(ZSTD):
            with pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd") as stream:
                yield from _parts(stream)
        else:
            with _only_member(packed) as stream:
                yield from _parts(stream)
    except (EOFError, OSError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError) as problem:
        raise UnreadableBatch(
            f"the file cannot be unpacked: {str(problem).splitlines()[0]}", fix="was it cut short? Send it again"
        ) from problem


def _parts(stream: Any) -> Iterator[bytes]:
    while part := stream.read(_PART):
        yield part


@contextmanager
def _only_member(packed: IO[bytes]) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(packed) as archive:
        names = [each for each in archive.namelist() if not each.endswith("/") and "__MACOSX" not in each]
        if "xl/workbook.xml" in names:
            raise UnreadableBatch("the file is an Excel workbook (.xlsx)", fix="give it a name that ends in .xlsx")
        tables = [each for each in names if each.lower().endswith(_TABLES)]
        if len(tables) != 1:
            held = f"{len(tables)} tables" if tables else f"no {', '.join(_TABLES)} file"
            raise UnreadableBatch(
                f"the zip archive holds {held} ({', '.join(names[:5])})", fix="put one CSV file into each archive"
            )
        try:
            member = archive.open(tables[0])
        except RuntimeError as problem:  # an archive that takes a password
            raise UnreadableBatch(f"the zip archive cannot be read: {problem}", fix="send it unencrypted") from problem
        with member:
            yield member


def other_format(start: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and how it becomes CSV; None where it may be that, packed or not."""
    for mark, what, fix in _OTHER_FORMATS:
        if start.lstrip(b"\xef\xbb\xbf \r\n\t")[: len(mark)].lower() == mark.lower():
            return what, fix
    if is_utf16(start):
        return "text in UTF-16", _UTF16
    return None


def is_utf16(start: bytes) -> bool:
    """Whether bytes begin with the byte order mark of UTF-16, or every second one is 0."""
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start.count(b"\0") > len(start) // 4


def _in_utf8(data: bytes, read: ReadOptions) -> bytes:
    _refuse_other_format(data, read)
    if read.encoding == "utf-8":
        checked_utf8(data)
        return data.removeprefix(BOM)
    if read.encoding == "utf-16":
        return _from_utf16(data)
    text = _decoded(data, read.encoding)
    if read.encoding == "latin-1":
        _refuse_controls(text)
    if not text.isascii() and _is_utf8(data):
        first = next(line for line in data.decode("utf-8").splitlines() if not line.isascii())
        raise UnreadableBatch(
            f"the file is UTF-8, not {read.encoding}: it has {first[:60]!r}",
            fix="write `encoding: utf-8` under source.read, or save it as the other files are",
        )
    return text.encode()


def _refuse_other_format(data: bytes, read: ReadOptions) -> None:
    other = other_format(data[:400])
    if other and not (read.encoding == "utf-16" and other[1] == _UTF16):
        raise UnreadableBatch(f"the file is {other[0]}, not CSV in {read.encoding.upper()}", fix=other[1])


def _without_first(body: bytes, lines: int) -> bytes:
    """Raises UnreadableBatch where there are no more lines than that."""
    rest = body.split(b"\n", lines)
    if len(rest) <= lines:
        raise UnreadableBatch(
            f"the file has {len(rest)} line{'' if len(rest) == 1 else 's'}, of which {lines} are skipped",
            fix="correct `skip_lines` under source.read, or write the file as the others are",
        )
    return rest[lines]


def _from_utf16(data: bytes) -> bytes:
    if not is_utf16(data[:400]) and data:
        raise UnreadableBatch(
            "the file is not UTF-16, as source.read.encoding has it", fix="save it so, or correct the encoding"
        )
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if marked else "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    return _decoded(data, encoding).encode()


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        byte = data[problem.start : problem.start + 1].hex()
        raise UnreadableBatch(
            f"line {line} is not {encoding} (byte 0x{byte})", fix="correct source.read.encoding, or save it again"
        ) from None


def _refuse_controls(text: str) -> None:
    """Latin-1 has a character for every byte, those of cp1252 too: controls, which no table has."""
    if (control := re.search("[\x80-\x84\x86-\x9f]", text)) is not None:
        line = text.count("\n", 0, control.start()) + 1
        meant = control[0].encode("latin-1").decode("cp1252", errors="ignore")
        fix = "save the file as UTF-8"
        raise UnreadableBatch(
            f"line {line} is not latin-1: byte 0x{ord(control[0]):02x} is a control character there",
            fix=f"in cp1252 it is {meant!r}: write `encoding: cp1252` under source.read, or {fix}" if meant else fix,
        )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def checked_utf8(data: bytes) -> None:
    """Raises UnreadableBatch with the line where bytes are not UTF-8."""
    for _ in _parts_in_utf8(iter([data])):
        pass


def _parts_in_utf8(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, in parts of whole characters. Raises UnreadableBatch with the line where they are none."""
    lines, rest = 0, b""
    for part in chain(parts, [b""]):
        data = rest + part
        try:
            _, whole = codecs.utf_8_decode(data, "strict", not part)
        except UnicodeDecodeError as problem:
            line = lines + data.count(b"\n", 0, problem.start) + 1
            byte = data[problem.start : problem.start + 1].hex()
            raise UnreadableBatch(
                f"line {line} is not UTF-8 (byte 0x{byte})",
                fix="write `encoding: cp1252` (or latin-1, utf-16) under source.read, or save it as UTF-8",
            ) from None
        lines += data.count(b"\n", 0, whole)
        rest = data[whole:]
        yield data[:whole]


def _without_comments(body: bytes, comment: bytes, quote: bytes) -> bytes:
    """Lines that begin with the comment are left out, but those inside a quoted value."""
    if not (body.startswith(comment) or b"\n" + comment in body):
        return body
    kept, inside = [], False
    for line in _lines(body):
        if not inside and line.startswith(comment):
            continue
        inside ^= bool(quote) and line.count(quote) % 2 == 1
        kept.append(line)
    return b"".join(kept)


def _lines(body: bytes) -> list[bytes]:
    """Lines by their line feeds alone: a carriage return may stand inside a value."""
    return [line + b"\n" for line in body.split(b"\n")[:-1]] + [last for last in [body.rpartition(b"\n")[2]] if last]
