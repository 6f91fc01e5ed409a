"""The results of all checks on every batch, stored as JSON next to the tables; Data Docs are made from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perennial.errors import TerminalError
from perennial.fault_points import write
from perennial.whole_file import write_whole


class ValidationsLost(TerminalError):
    """The stored results of a batch's checks are missing or damaged."""

    code = "validations-lost"


@dataclass(frozen=True)
class Validations:
    """One file per batch below `folder`."""

    folder: Path

    def keep(self, usecase: str, batch: str, results: Sequence[dict[str, Any]]) -> None:
        """Write a batch's results atomically. Raises DiskFull."""
        path = self.folder / usecase / f"{batch}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with write("validation_file"):
            write_whole(path, json.dumps(list(results), ensure_ascii=False))

    def read(self, usecase: str, batch: str) -> list[dict[str, Any]]:
        """A batch's results. Raises ValidationsLost if the file is missing or damaged."""
        path = self.folder / usecase / f"{batch}.json"
        try:
            results: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError) as problem:
            what = "are missing" if isinstance(problem, FileNotFoundError) else "are damaged"
            raise ValidationsLost(
                f"{usecase}: the check results of batch {batch} {what}: {path}",
                value=batch,
                fix="Restore the file from a backup. The batch, its decisions and models are not affected.",
            ) from problem
        return results
