"""The results of all checks on every batch, stored as JSON; Data Docs are made from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perennial.errors import TerminalError
from perennial.fault_points import write
from perennial.store.files import Files

FOLDER = "validations"


class ValidationsLost(TerminalError):
    """The stored results of a batch's checks are missing or damaged."""

    code = "validations-lost"


@dataclass(frozen=True)
class Validations:
    """One file per batch."""

    files: Files

    def keep(self, usecase: str, batch: str, results: Sequence[dict[str, Any]]) -> None:
        """Write a batch's results atomically. Raises DiskFull."""
        with write("validation_file"):
            self.files.put(_at(usecase, batch), json.dumps(list(results), ensure_ascii=False).encode())

    def read(self, usecase: str, batch: str) -> list[dict[str, Any]]:
        """A batch's results. Raises ValidationsLost if the file is missing or damaged."""
        if (data := self.files.get(_at(usecase, batch))) is None:
            raise self._lost(usecase, batch, "are missing")
        try:
            results: list[dict[str, Any]] = json.loads(data)
        except ValueError as problem:
            raise self._lost(usecase, batch, "are damaged") from problem
        return results

    def names(self) -> list[str]:
        """The names of all results, of every use case."""
        return self.files.names(FOLDER)

    def text(self, name: str) -> str:
        """The JSON under a name; empty if it is gone."""
        return (self.files.get(f"{FOLDER}/{name}") or b"").decode("utf-8", "surrogateescape")

    def replace(self, name: str, text: str) -> None:
        """Write other JSON under a name."""
        self.files.put(f"{FOLDER}/{name}", text.encode("utf-8", "surrogateescape"))

    def _lost(self, usecase: str, batch: str, what: str) -> ValidationsLost:
        return ValidationsLost(
            f"{usecase}: the check results of batch {batch} {what}: {self.files.where(_at(usecase, batch))}",
            value=batch,
            fix="Restore the file from a backup. The batch, its decisions and models are not affected.",
        )


def _at(usecase: str, batch: str) -> str:
    return f"{FOLDER}/{usecase}/{batch}.json"
