"""The bare cycle: what a team would run from cron, with numpy, pandas, scipy and scikit-learn alone.

It keeps typed months as Parquet and its two models with joblib. It validates nothing and records nothing.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import joblib
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.year import independent


def keep_month(folder: Path, month: str, typed: pd.DataFrame) -> None:
    """Keep the month's typed rows."""
    typed.to_parquet(folder / f"{month}.parquet")


def known_rows(folder: Path, month: str) -> pd.DataFrame:
    """All rows so far whose label is known at the end of the month."""
    rows = pd.read_parquet(sorted(folder.glob("*.parquet")))
    return rows[rows["late"].notna() & (rows["known_at"] <= independent.end_of(month))]


def compare(folder: Path, known: pd.DataFrame) -> None:
    """Compare the waiting challenger with the champion, and release it if it is proven better, or the first."""
    waiting, live = folder / "challenger.joblib", folder / "champion.joblib"
    if not waiting.exists():
        return
    challenger, trained_at = joblib.load(waiting)
    champion, _ = joblib.load(live if live.exists() else waiting)
    fresh = known[known["known_at"] > trained_at]
    if independent.compared(fresh, champion(fresh), challenger(fresh)).gate[0] > 0 or not live.exists():
        shutil.copy(waiting, live)


def fit(folder: Path, month: str, known: pd.DataFrame) -> None:
    """Train the next challenger on everything known."""
    rows = known.sort_values("flight_id", ignore_index=True)
    joblib.dump((independent.fitted(rows), independent.end_of(month)), folder / "challenger.joblib")
