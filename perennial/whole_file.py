"""Writing a file completely or not at all, so that no reader and no crash leaves half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; what is there at the end replaces `path` in one move, if nothing failed.

    The folder must exist. Processes and threads may write the same path at once: the last one counts.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.half")
    yield half
    half.replace(path)


def write_whole(path: Path, text: str) -> None:
    """Write a text in UTF-8. Raises OSError if the place cannot be written."""
    with replacing(path) as half:
        half.write_text(text, encoding="utf-8")
