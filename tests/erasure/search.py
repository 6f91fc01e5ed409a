"""Looks for texts in every byte of a folder: raw, in archives, and in the values of Parquet files."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq


def files_with(folder: Path, texts: Sequence[str]) -> list[str]:
    """The files that have one of the texts anywhere."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(_in(text, part) for part in _parts(path.name, path.read_bytes()) for text in texts)
    ]


def _in(text: str, part: bytes) -> bool:
    return any(text.encode(encoding) in part for encoding in ("utf-8", "utf-16-le", "utf-32-le"))


def _parts(name: str, data: bytes) -> Iterator[bytes]:
    yield data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _parts(member, archive.read(member))
    elif data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    elif name.endswith(".parquet"):
        yield repr(pq.read_table(io.BytesIO(data), partitioning=None).to_pylist()).encode()
