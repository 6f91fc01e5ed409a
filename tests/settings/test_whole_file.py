"""A file is written whole by whoever writes it, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from perennial.whole_file import replacing, write_whole


def test_two_threads_can_write_the_same_file_at_once(tmp_path: Path) -> None:
    path, both = tmp_path / "mark", Barrier(2)

    def write(text: str) -> None:
        for _ in range(50):
            both.wait(60)
            write_whole(path, text)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, ["a" * 1000, "b" * 1000]))
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    write_whole(path, "before")
    with pytest.raises(OSError, match="full"), replacing(path) as half:
        half.write_text("ha")
        raise OSError("full")
    assert path.read_text() == "before"
