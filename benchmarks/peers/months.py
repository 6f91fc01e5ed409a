"""The clock that compares the bare cycle with the same steps under an orchestrator."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bare

from tests.year import independent

MONTHS = [f"2013-{month:02}" for month in range(1, 13)]


def read_month(folder: Path, month: str) -> None:
    """The first step."""
    rows = independent.flights()
    bare.keep_month(folder, month, rows[rows["month"] == month])


def compare(folder: Path, month: str) -> None:
    """The second step. Like the third, it reads the rows itself: steps pass no frames."""
    bare.compare(folder, bare.known_rows(folder, month))


def fit(folder: Path, month: str) -> None:
    """The third step."""
    bare.fit(folder, month, bare.known_rows(folder, month))


def month_by_month(folder: Path, orchestrated: Callable[[Path, str], None]) -> None:
    """Run every month both ways, in turns, and print the seconds of each and how much more the orchestrator took."""
    alone, under = folder / "bare", folder / "orchestrated"
    alone.mkdir()
    under.mkdir()
    independent.flights()
    print("| month | bare, s | orchestrated, s |\n|---|---:|---:|")
    more = []
    for month in MONTHS:
        start = time.perf_counter()
        for step in (read_month, compare, fit):
            step(alone, month)
        middle = time.perf_counter()
        orchestrated(under, month)
        end = time.perf_counter()
        more.append((end - middle) - (middle - start))
        print(f"| {month} | {middle - start:.2f} | {end - middle:.2f} |", flush=True)
    warm = more[3:]
    print(f"April to December: {statistics.median(warm):.2f} s ({min(warm):.2f} to {max(warm):.2f}) more")
