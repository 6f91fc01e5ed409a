"""The cost of the features channel: against a bare scan of the same Parquet file, in memory, and over many batches.

    python benchmarks/watched_features.py           # 1,000,000 rows × 50 features, beside a scan, taking turns
    python benchmarks/watched_features.py --growth  # the cost of a batch after 10, 100 and 1,000 batches

"Scan" reads every column of the file in pieces of row groups, as pyarrow reads it by default, and computes nothing. The
report reads one column of a row group at a time, so that its values are still in the processor's cache, counts each
feature by day in its grid, and compares it with a reference of a year: PSI, Jensen–Shannon distance and the thresholds
from resampled blocks of days. "Scan by columns" reads as the report does and computes nothing.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.watching.channels.features import feature_changes  # noqa: E402
from perennial.watching.statistics.counting import RowDays, count_numbers, row_days, tally_categories  # noqa: E402
from perennial.watching.statistics.counts import Counts  # noqa: E402
from perennial.watching.statistics.frames import grids_of, merged_features  # noqa: E402
from perennial.watching.statistics.grid import Grid, NumberGrid  # noqa: E402
from tests.watching.counted_inputs import count_inputs  # noqa: E402

TEXT = [f"category_{place}" for place in range(5)]
NUMBERS, CATEGORIES, ROWS, PIECE = 45, 5, 1_000_000, 131_072
TAKEN = ("scan", "scan by columns", "report")
MERGED = 8
"""Counts of this many row groups are merged, so that their number stays bounded."""
Reference = tuple[dict[str, Grid], dict[str, Counts]]
"""The grids, and the counts of a year of training rows."""


def rows(n: int, seed: int, days: int = 30) -> pd.DataFrame:
    """Rows in the order of their days; a tenth of the numbers have missing values."""
    draw = np.random.default_rng(seed)
    columns: dict[str, object] = {"day": np.sort(draw.integers(19_000, 19_000 + days, n))}
    for place in range(NUMBERS):
        values = draw.normal(size=n) if place % 3 else draw.gamma(2.0, 40.0, n)
        if place % 10 == 0:
            values[draw.random(n) < 0.05] = np.nan
        columns[f"number_{place}"] = values
    for place in range(CATEGORIES):
        columns[f"category_{place}"] = draw.choice([f"value {each}" for each in range(40)], n)
    return pd.DataFrame(columns)


def reference(grids: dict[str, Grid]) -> dict[str, Counts]:
    """A year of training rows."""
    made = rows(120_000, 1, days=365)
    return count_inputs(made.drop(columns="day"), row_days(made["day"].to_numpy()), grids)


def opened(path: Path) -> pq.ParquetFile:
    """The file, with texts as they are stored."""
    return pq.ParquetFile(path, read_dictionary=TEXT, pre_buffer=False)


def scan(path: Path) -> None:
    """Read all of the file, one row group after another, so that no buffer grows with it."""
    file = opened(path)
    for group in range(file.num_row_groups):
        for piece in file.iter_batches(batch_size=PIECE, row_groups=[group]):
            assert piece.num_rows


def column_of(file: pq.ParquetFile, group: int, name: str) -> pa.Array:
    """One column of a row group."""
    (piece,) = file.iter_batches(PIECE, row_groups=[group], columns=[name], use_threads=False)
    return piece.column(0)


def scan_by_columns(path: Path) -> None:
    """Read all of the file as the report does."""
    file = opened(path)
    for group in range(file.num_row_groups):
        for name in file.schema_arrow.names:
            assert len(column_of(file, group, name))


def report(path: Path, stored: Reference) -> int:
    """Count the file and compare it with the reference: how many features are above their thresholds."""
    grids, trained = stored
    file, parts = opened(path), list[dict[str, Counts]]()
    for group in range(file.num_row_groups):
        days = row_days(column_of(file, group, "day").to_numpy())
        parts.append({name: counted(column_of(file, group, name), days, grid) for name, grid in grids.items()})
        if len(parts) == MERGED:
            parts = [merged_features(parts, grids)]
    changes = feature_changes(trained, merged_features(parts, grids), grids, {}, {})
    assert changes is not None
    return sum(change.alarm for change in changes)


def counted(column: pa.Array, days: RowDays, grid: Grid) -> Counts:
    """The counts of a column, without a frame in between."""
    if isinstance(grid, NumberGrid):
        return count_numbers(column.to_numpy(zero_copy_only=False), days, grid)
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return tally_categories(codes, column.dictionary.to_pylist(), days, grid).summed


def against_scan(times: int) -> None:
    """They take turns on one file; each report runs in its own process, whose peak memory is its own."""
    print("| rows | scan, CPU s | scan by columns, CPU s | report, CPU s | report / scan (range) |", end="")
    print(" report / scan by columns (range) | peak memory of a report, MB |\n|---:|---:|---:|---:|---|---|---:|")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "reference.pickle"
        grids = grids_of(rows(30_000, 0).drop(columns="day"))
        kept.write_bytes(pickle.dumps((grids, reference(grids))))
        for n in (ROWS // 4, ROWS, 4 * ROWS):
            path = Path(folder) / f"{n}.parquet"
            _write(path, n)
            runs = [[_in_process(what, path, kept) for what in TAKEN] for _ in range(times)]
            seconds = np.array([[each[0] for each in run] for run in runs])
            medians = " | ".join(f"{each:.2f}" for each in np.median(seconds, axis=0))
            ratios = " | ".join(_ratio(seconds[:, 2] / seconds[:, place]) for place in (0, 1))
            print(f"| {n:,} | {medians} | {ratios} | {median(run[2][1] for run in runs):,.0f} |")
            sys.stdout.flush()


def _ratio(each: np.ndarray) -> str:
    return f"{np.median(each):.2f} ({each.min():.2f} to {each.max():.2f})"


def _write(path: Path, n: int) -> None:
    writer = None
    for start in range(0, n, ROWS // 4):
        table = pa.Table.from_pandas(rows(ROWS // 4, 2 + start), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=PIECE)
    assert writer is not None
    writer.close()


def _in_process(what: str, path: Path, kept: Path) -> tuple[float, float]:
    """CPU seconds and peak memory, MB."""
    command = [sys.executable, __file__, "--alone", what, "--file", str(path), "--reference", str(kept)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak = printed.split()
    return float(seconds), float(peak)


def alone(what: str, path: Path, kept: Path) -> None:
    """One scan or report in this process, printed as CPU seconds and peak memory."""
    stored = pickle.loads(kept.read_bytes())  # noqa: S301  (its parent wrote it)
    taken: dict[str, Callable[[], object]] = {
        "scan": lambda: scan(path),
        "scan by columns": lambda: scan_by_columns(path),
        "report": lambda: report(path, stored),
    }
    taken[what]()  # once before, so that nothing is read from disk
    start = time.process_time()
    taken[what]()
    print(time.process_time() - start, _peak())


def _peak() -> float:
    """Peak memory of this program, MB. `ru_maxrss` would be that of the process that started it, if that has more."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def growth() -> None:
    """The cost of a batch's statistics with its file, and of the report on it, as batches add up."""
    from perennial.features.recipe import Recipe
    from perennial.store.statistics import StatisticsFiles
    from perennial.usecase.declared_schema import Schema
    from perennial.watching.batch_statistics import FeatureCounts

    recipe = Recipe(
        categorical=tuple(f"category_{place}" for place in range(CATEGORIES)),
        numeric=tuple(f"number_{place}" for place in range(NUMBERS)),
        derived=(),
        hidden=(),
        sources={},
    )
    schema = Schema(key=("day",), time="at", target="y", task="binary")
    made = rows(2_000, 3, days=1)
    made["at"] = pd.to_datetime(made.pop("day"), unit="D", utc=True)
    with tempfile.TemporaryDirectory() as folder:
        counts = FeatureCounts(StatisticsFiles(Path(folder)), recipe, schema, lambda batch: made)
        counts.of("first")
        trained = reference(counts.grids)
        taken: list[float] = []
        for number in range(1, 1_021):
            batch = made.assign(at=made["at"] + pd.Timedelta(days=number))
            start = time.process_time()
            now = counts.of(f"batch{number}", batch)
            feature_changes(trained, now, counts.grids, {}, {})
            taken.append(time.process_time() - start)
        print("| batch | CPU seconds per batch, median of 21 (range) |\n|---:|---|")
        for number in (10, 100, 1_000):
            near = sorted(taken[max(number - 11, 0) : number + 10])
            print(f"| {number:,} | {median(near):.4f} ({near[0]:.4f} to {near[-1]:.4f}) |")
        start = time.process_time()
        quarter = [counts.of(f"batch{number}") for number in range(900, 990)]
        read = time.process_time() - start
        merged_features(quarter, counts.grids)
        seconds = time.process_time() - start - read
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet")) / 1_021 / 1024
        print(f"\nA quarter of 90 daily batches: read in {read:.2f} s, merged in {seconds:.2f} s; {size:.0f} KB each.")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--growth", action="store_true")
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--alone", choices=TAKEN)
    options.add_argument("--file", type=Path)
    options.add_argument("--reference", type=Path)
    chosen = options.parse_args()
    if chosen.growth:
        growth()
    elif chosen.alone:
        alone(chosen.alone, chosen.file, chosen.reference)
    else:
        against_scan(chosen.times)
