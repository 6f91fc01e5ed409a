"""What a daily use case costs after years: CPU per cycle by month, and what its home keeps.

Run `python benchmarks/years.py 365 40` for a year of days with 40 rows each. A challenger is trained
every 28 days, which the seconds leave out. Tables are maintained every week, as by the schedule of the flow `maintain`,
with limits of no days, for all days pass within one run. Results are in benchmarks/README.md.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

DAYS, ROWS = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (365, 40)
MONTH = 28


def _cpu() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _sizes(home: Path) -> str:
    """What each part of the home keeps, in MB."""
    parts = [each for each in sorted(home.iterdir()) if not each.name.startswith(".")]
    kept = {part.name: sum(f.stat().st_size for f in [part, *part.rglob("*")] if f.is_file()) for part in parts}
    return ", ".join(f"{name} {size / 1e6:.1f}" for name, size in kept.items() if size > 5e4)


def main() -> None:
    """Write one file per day, run its cycle, and print one line per month."""
    from tests.world import World, month_of_rows

    folder = Path(tempfile.mkdtemp(prefix="years-"))
    home = folder / "home"
    os.environ |= {"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(folder)}
    shop = World(folder, rows_a_day=ROWS)
    model = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {}, "window": {"last": "90d"}}
    shop.declare(model=model, triggers={"schedule": "0 0 1 * *", "on_new_batch": False, "on_drift": False})

    from perennial.clock import instant
    from perennial.ledger.entries import Cycle
    from perennial.settings import settings
    from perennial.store import upkeep
    from perennial.store.workspace import open_workspace
    from tests.training.stores import cycle, train_at

    upkeep.FILES_KEPT = upkeep.LOG_KEPT = timedelta(0)
    spent: list[float] = []
    rows = pd.DataFrame()
    for number, day in enumerate(pd.date_range("2015-01-01", periods=DAYS, freq="D", tz="UTC")):
        if day.day == 1:
            rows = month_of_rows(f"{day:%Y-%m}", rows_a_day=ROWS)
        rows[rows["at"].str.startswith(f"{day:%Y-%m-%d}")].to_csv(folder / "shop" / f"{day:%Y-%m-%d}.csv", index=False)
        before = _cpu()
        ended = cycle()
        spent.append(_cpu() - before)
        if number % 7 == 6:
            upkeep.remove_unread(open_workspace(settings()), "shop", datetime.now(UTC))
        if number % MONTH == MONTH - 1:
            assert isinstance(ended, Cycle)
            train_at(instant(ended.as_of))
            last = spent[-MONTH:]
            print(
                f"day {number + 1}: {sum(last) / MONTH:.3f} CPU s per cycle, median {sorted(last)[MONTH // 2]:.3f}",
                end="; ",
            )
            print(f"MB: {_sizes(home)}" if number // MONTH % 13 in (0, 12) else "", flush=True)


if __name__ == "__main__":
    main()
