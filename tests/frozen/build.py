"""Builds `home.tar.xz`: a small home as this version writes it, which every later version must open and continue.

Run it only when a format changes on purpose, before a release:

    .venv/bin/python -m tests.frozen.build

Two months of the shop are taken in, compared and released; the third lies in its folder, for a later version to take.
Prefect's folder, the locks and the pages, which are made anew, are left out.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from tests.world import World

ARCHIVE = Path(__file__).with_name("home.tar.xz")
MONTHS, NEXT = ("2024-01", "2024-02"), "2024-03"
_MADE_ANEW = {"prefect", "locks", "docs", "pages"}


def build(archive: Path = ARCHIVE) -> Path:
    """Build the archive, which is given back."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = World(folder / "usecases", rows_a_day=10).declare()
        for month in MONTHS:
            shop.month(month)
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "MLFLOW"))}
        variables |= {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(shop.usecases)}
        try:
            for command in (("backfill", "shop"), ("ledger", "verify", "shop")):
                subprocess.run([sys.executable, "-m", "perennial.cli", *command], env=variables, check=True)
        finally:
            subprocess.run([sys.executable, "-m", "perennial.cli", "down"], env=variables, check=False)
        shop.month(NEXT)
        for database in (folder / "home").rglob("*.db"):
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with tarfile.open(archive, "w:xz") as packed:
            packed.add(folder, arcname=".", filter=_kept)
    return archive


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Nobody's name, and not what is made anew."""
    parts = Path(member.name).parts
    if parts[:1] == ("home",) and len(parts) > 1 and parts[1] in _MADE_ANEW:
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    made = build()
    print(f"{made}: {made.stat().st_size:,} bytes")  # noqa: T201 - a script prints what it built
