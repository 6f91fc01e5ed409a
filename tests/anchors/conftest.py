"""A ledger that is anchored as it grows, in places outside its home."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.governance.anchor_key import make_key, trusted_keys
from perennial.governance.anchored import Anchored
from perennial.governance.anchoring import anchor_head
from perennial.governance.verifying import Verified, anchors_of, verify_ledger
from perennial.ledger.ledger import Ledger
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.ledger.payloads import declaration

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """A home, its signing key, and one place outside."""

    folder: Path
    address: str
    database: str = ""

    @property
    def workspace(self) -> Workspace:
        """With the place set."""
        variables = {
            "PERENNIAL_HOME": str(self.folder / "home"),
            "PERENNIAL_USECASES": str(self.folder),
            "PERENNIAL_ANCHOR_KEY": str(self.folder / "key"),
            "PERENNIAL_ANCHORS": self.address,
            "PERENNIAL_DATABASE_URL": self.database,
        }
        return open_workspace(settings(variables))

    @property
    def ledger(self) -> Ledger:
        """Of the home."""
        return self.workspace.ledger

    def grow(self, rows: int, usecase: str = "shop") -> None:
        """Append that many rows."""
        newest = self.ledger.newest(usecase)
        first = newest.position if newest else 0
        for number in range(first, first + rows):
            self.ledger.append(usecase, declaration(number))

    def anchor(self, usecase: str = "shop") -> Anchored:
        """Anchor the head now."""
        (state,) = anchor_head(self.workspace, usecase, NOW)
        return state

    def verify(self, usecase: str | None = None, *keys: str) -> list[Verified]:
        """Against the place, with the key that was kept, or with others."""
        where = self.workspace.settings
        place = self.address.partition(":")[2]
        return verify_ledger(self.ledger, usecase, anchors_of([place], trusted_keys(keys, where.anchor_key)))


def a_place(folder: Path, kind: str) -> str:
    """The address of an empty place of a kind."""
    if kind == "git":
        subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "repository")], check=True)
        return f"git:{folder / 'repository'}"
    return f"file:{folder / 'anchors.txt'}"


@pytest.fixture(params=["file", "git"])
def kept(tmp_path: Path, request: pytest.FixtureRequest) -> Kept:
    """Nine rows, anchored at rows 3, 6 and 9, in a file or in a git repository."""
    made = Kept(tmp_path, a_place(tmp_path, request.param))
    make_key(tmp_path / "key", "risk.example/ledger", tmp_path / "home")
    for _ in range(3):
        made.grow(3)
        made.anchor()
    return made


@pytest.fixture
def in_file(tmp_path: Path) -> Kept:
    """An empty ledger with a file outside."""
    make_key(tmp_path / "key", "risk.example/ledger", tmp_path / "home")
    return Kept(tmp_path, a_place(tmp_path, "file"))
