"""Files as they come: one fixture that writes them, one that opens the folder as a source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.sources import open_source
from perennial.sources.config import FilesSource
from perennial.sources.window import Source

Open = Callable[..., Source]
Put = Callable[[str, str | bytes], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes a file into the folder `data`."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def source(tmp_path: Path) -> Open:
    """Opens the folder `data`, or a file in it, with the time in the column `at`."""

    def opened(batch: str = "month", path: str = "data", timezone: str = "Europe/Berlin") -> Source:
        config = FilesSource.model_validate({"kind": "files", "path": path, "batch": batch})
        return open_source(config, folder=tmp_path, schema_time="at", timezone=timezone)

    return opened
