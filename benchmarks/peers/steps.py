"""The bare cycle in three steps, and the clock that compares it with the same steps under an orchestrator."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.year import independent  # noqa: E402

MONTHS = [f"2013-{month:02}" for month in range(1, 13)]


def read_month(folder: Path, month: str) -> None:
    """Keep the month's typed rows."""
    rows = independent.flights()
    rows[rows["month"] == month].to_parquet(folder / f"{month}.parquet")


def compare(folder: Path, month: str) -> None:
    """Compare the waiting challenger with the champion, and release it if it is proven better."""
    waiting, live = folder / "challenger.joblib", folder / "champion.joblib"
    if not waiting.exists():
        return
    challenger, trained_at = joblib.load(waiting)
    champion, _ = joblib.load(live if live.exists() else waiting)
    known = _known(folder, month)
    fresh = known[known["known_at"] > trained_at]
    if independent.compared(fresh, champion(fresh), challenger(fresh)).gate[0] > 0 or not live.exists():
        live.write_bytes(waiting.read_bytes())


def fit(folder: Path, month: str) -> None:
    """Train the next challenger on everything known."""
    known = _known(folder, month).sort_values("flight_id", ignore_index=True)
    joblib.dump((independent.fitted(known), independent.end_of(month)), folder / "challenger.joblib")


def _known(folder: Path, month: str) -> pd.DataFrame:
    """All rows so far whose label is known."""
    rows = pd.read_parquet(sorted(folder.glob("*.parquet")))
    return rows[rows["late"].notna() & (rows["known_at"] <= independent.end_of(month))]


def side_by_side(folder: Path, orchestrated: Callable[[Path, str], None]) -> None:
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
