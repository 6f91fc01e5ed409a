"""What every check found on every batch, kept as JSON beside the tables: the pages for people are made from it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perennial.errors import TerminalError
from perennial.fault_points import write


class ValidationsLost(TerminalError):
    """What the checks found on a batch is no longer there, or not what was written."""

    code = "validations-lost"


@dataclass(frozen=True)
class Validations:
    """One file a batch below `folder`."""

    folder: Path

    def keep(self, usecase: str, batch: str, results: Sequence[dict[str, Any]]) -> None:
        """Write a batch's results, whole or not at all. Raises DiskFull."""
        path = self.folder / usecase / f"{batch}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.{os.getpid()}.half")
        with write("validation_file"):
            half.write_text(json.dumps(list(results), ensure_ascii=False), encoding="utf-8")
            half.replace(path)

    def read(self, usecase: str, batch: str) -> list[dict[str, Any]]:
        """A batch's results. Raises ValidationsLost where the file is gone or damaged."""
        path = self.folder / usecase / f"{batch}.json"
        try:
            found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError) as problem:
            what = "is gone" if isinstance(problem, FileNotFoundError) else "is damaged"
            raise ValidationsLost(
                f"{usecase}: what the checks found on batch {batch} {what}: {path}",
                value=batch,
                fix="Bring the file back from a backup. The batch itself, its decisions and models are as they were.",
            ) from problem
        return found
