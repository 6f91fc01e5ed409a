"""What a daily use case costs after years: CPU per cycle by month, and what its home keeps.

Run `python benchmarks/years.py 365 40` for a year of days with 40 rows each; with `--folder`, it goes on with the days
that a former run left there. With `--against OTHER` too, both folders go on in turns, four times, each time in a new
process. A challenger is trained every 28 days, and the seconds leave that out. Tables are maintained every week, as by
the schedule of the flow `maintain`. All days pass within one run, so what a table keeps for 7 or 30 days is kept for
none. Results are in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, median

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

MONTH = 28
PAIRS = 4


def _cpu() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _sizes(home: Path) -> str:
    """What each part of the home keeps, in MB."""
    parts = [each for each in sorted(home.iterdir()) if not each.name.startswith(".")]
    kept = {part.name: sum(f.stat().st_size for f in [part, *part.rglob("*")] if f.is_file()) for part in parts}
    return ", ".join(f"{name} {size / 1e6:.1f}" for name, size in kept.items() if size > 5e4)


def _days_in(folder: Path) -> list[Path]:
    return sorted((folder / "shop").glob("*.csv"))


def in_turns(folders: tuple[Path, Path], days: int, rows: int) -> None:
    """Days of both folders, in turns and each time in a new process: how many times as much the first one's cost."""
    ratios: dict[str, list[float]] = {"mean": [], "median": []}
    for pair in range(PAIRS):
        lines = {}
        for folder in folders if pair % 2 else folders[::-1]:
            asked = [sys.executable, __file__, str(days), str(rows), "--folder", str(folder)]
            lines[folder] = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        spent = [[float(each) for each in re.findall(r"\d+\.\d+", lines[folder])[:2]] for folder in folders]
        shown = [f"days to {' and '.join(str(len(_days_in(folder))) for folder in folders)}"]
        for name, first, second in zip(ratios, *spent, strict=True):
            ratios[name].append(first / second)
            shown.append(f"{name} {first:.3f} / {second:.3f} = {first / second:.2f}")
        print(", ".join(shown), flush=True)
    print(", ".join(f"{name}s {min(each):.2f} to {max(each):.2f}" for name, each in ratios.items()))


def main() -> None:
    """Read what is asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("days", type=int)
    asked.add_argument("rows", type=int, help="per day")
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--against", type=Path, help="a folder of fewer days")
    given = asked.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="years-"))
    if given.against:
        in_turns((folder, given.against), given.days, given.rows)
    else:
        live(folder, given.days, given.rows)


def live(folder: Path, days: int, rows_a_day: int) -> None:
    """Write one file per day, run its cycle, and print one line per month."""
    from tests.world import World, month_of_rows

    done = _days_in(folder)
    first = pd.Timestamp(done[-1].stem if done else "2014-12-31", tz="UTC") + pd.Timedelta(days=1)
    home = folder / "home"
    os.environ |= {"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(folder)}
    shop = World(folder, rows_a_day=rows_a_day)
    model = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {}, "window": {"last": "90d"}}
    shop.declare(model=model, triggers={"schedule": "0 0 1 * *", "on_new_batch": False, "on_drift": False})

    from perennial.clock import instant
    from perennial.ledger.entries import Cycle
    from perennial.settings import settings
    from perennial.store import tables, upkeep
    from perennial.store.workspace import open_workspace
    from tests.training.stores import cycle, train_at

    upkeep.FILES_KEPT = upkeep.LOG_KEPT = timedelta(0)
    kept = ("logRetentionDuration", "deletedFileRetentionDuration", "setTransactionRetentionDuration")
    tables._SETTINGS |= {f"delta.{name}": "interval 0 days" for name in kept}
    spent: list[float] = []
    rows = pd.DataFrame()
    for number, day in enumerate(pd.date_range(first, periods=days, freq="D")):
        if day.day == 1 or not number:
            rows = month_of_rows(f"{day:%Y-%m}", rows_a_day=rows_a_day)
        rows[rows["at"].str.startswith(f"{day:%Y-%m-%d}")].to_csv(folder / "shop" / f"{day:%Y-%m-%d}.csv", index=False)
        before = _cpu()
        ended = cycle()
        spent.append(_cpu() - before)
        if number % 7 == 6:
            upkeep.remove_unread(open_workspace(settings()), "shop", datetime.now(UTC))
        if number % MONTH == MONTH - 1:
            assert isinstance(ended, Cycle)
            train_at(instant(ended.as_of))
            last = spent[1:][-MONTH:]  # the first cycle of a process imports the libraries
            print(
                f"day {len(done) + number + 1}: {mean(last):.3f} CPU s per cycle, median {median(last):.3f}",
                end="; ",
            )
            print(f"MB: {_sizes(home)}" if number // MONTH % 13 in (0, 12) else "", flush=True)


if __name__ == "__main__":
    main()
