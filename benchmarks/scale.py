"""What the steps of a cycle cost on large batches: CPU seconds and peak memory of each step, in a separate process.

    python benchmarks/scale.py --rows 1000000 --batches 3
    python benchmarks/scale.py --rows 20000000 --batches 10 --earlier 1000000 --folder /mnt/scale   # keeps the files

Every batch is a typed Parquet file of 14 columns, drawn from a seed. Each step runs the code that a cycle runs, without
Prefect: `ingest` (landing, validating, accepting), the `rows` of the batch that are scored and watched, their
`statistics`, the `score` of the batch by a live model, its `watch` by all channels that are declared, a `look` at a
candidate whose predictions are stored beside those of the champion, a decision that has to `compare` two models, and
the rows to `train` on with their snapshot, which is the only step that reads the whole history. "Nothing" only imports
what they import; "DuckDB" is its bare scan of the batch's file with an aggregate of every column.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

USECASE = "shop"
PART = 500_000
FLOATS = tuple(f"f{i}" for i in range(6))
DECLARATION = """
name: shop
source: {kind: files, path: data}
clock: replay
schema:
  key: [order]
  time: at
  target: late
  task: binary
  label_known_after: 1h
  types: {order: integer}
features: {numeric: [f0, f1, f2, f3, f4, f5, price, members], categorical: [shop, carrier, item]}
model: {estimator: sklearn.ensemble.HistGradientBoostingClassifier}
watch: {channels: [contract, gap, level, unseen, features, calibration, age]}
checks:
  - {expect_column_values_to_be_between: {column: price, min_value: 0, max_value: 100000}, severity: critical}
  - {expect_column_values_to_be_between: {column: f0, min_value: -4.8, max_value: 4.8}, severity: critical}
  - {expect_column_values_to_not_be_null: {column: f2, mostly: 0.9}, severity: warning}
  - {expect_column_values_to_not_be_null: {column: shop}, severity: critical}
  - {expect_column_mean_to_be_between: {column: f1, min_value: -0.1, max_value: 0.1}, severity: warning}
"""


def windows(batches: int) -> list[str]:
    """The names of the batches, a month each."""
    return [f"{2015 + number // 12}-{number % 12 + 1:02}" for number in range(batches)]


def write_batch(path: Path, rows: int, number: int) -> None:
    """A month of rows in the order of their times, written part by part."""
    month = np.datetime64("2015-01") + number
    start = month.astype("datetime64[us]").astype("int64")
    width = (month + 1).astype("datetime64[us]").astype("int64") - start
    with pq.ParquetWriter(path, part_of(0, 0, 1, start, width, number).schema) as writer:
        for first in range(0, rows, PART):
            writer.write_table(part_of(first, min(PART, rows - first), rows, start, width, number))


def part_of(first: int, rows: int, of: int, start: int, width: int, number: int) -> pa.Table:
    """Rows from `first` on, of a batch of `of` rows, in the order of their times. start, width: of the month, in µs."""
    rng = np.random.default_rng([number, first])
    place = np.arange(first, first + rows)
    floats = {name: np.where(rng.random(rows) < 0.05, np.nan, rng.normal(size=rows)) for name in FLOATS}
    chance = 1 / (1 + np.exp(1 - np.nan_to_num(floats["f0"])))
    columns: dict[str, Any] = {
        "order": place + number * 10**9,
        "at": pa.array(start + place * (width // of)).cast(pa.timestamp("us", "UTC")),
        **{name: pa.array(values, from_pandas=True) for name, values in floats.items()},
        "price": rng.integers(1, 10**7, rows) / 100,
        "members": rng.integers(0, 9, rows),
        "shop": numbered("shop ", rng.integers(0, 50, rows)),
        "carrier": numbered("c", rng.integers(0, 16, rows)),
        "item": numbered("item ", rng.integers(0, 999, rows)),
        "late": (rng.random(rows) < chance).astype("int32"),
    }
    return pa.table(columns)


def numbered(word: str, numbers: np.ndarray) -> pa.Array:
    """The word before each number."""
    return pa.array([f"{word}{number}" for number in range(numbers.max(initial=-1) + 1)], pa.string()).take(numbers)


def nothing(_: str, __: Path) -> None:
    """The imports alone."""
    from data_checks.quiet import great_expectations

    great_expectations()


def duckdb_scan(window: str, data: Path) -> None:
    """An aggregate of every column."""
    import duckdb

    file = data / f"{window}.parquet"
    columns = ", ".join(f'min("{name}"), max("{name}"), count("{name}")' for name in pq.read_schema(file).names)
    with duckdb.connect() as connection:
        connection.execute(f"SELECT {columns} FROM '{file}'").fetchall()


def ingest(window: str, _: Path) -> None:
    """Land, validate and accept a batch."""
    from tasks.batches import accept, land, validate

    entry = accept.fn(USECASE, validate.fn(USECASE, window, land.fn(USECASE, window)))
    assert entry.status == "accepted", entry.held_because
    print(f"  {window}: {entry.rows.accepted:,} accepted, {entry.rows.quarantined:,} set aside, {entry.digest[:12]}")


def rows(window: str, _: Path) -> None:
    """The rows of a batch, as they are scored and watched."""
    from perennial.deciding.evaluation_rows import rows_of_batch

    stores = _Stores(window)
    rows_of_batch(stores.tables, stores.declaration, stores.known, stores.batch)


def statistics(window: str, _: Path) -> None:
    """The counts of a batch's features by day."""
    from tasks.statistics import count_before_a_champion

    stores = _Stores(window)
    count_before_a_champion(stores.workspace, stores.case, stores.batch)


def score(window: str, data: Path) -> None:
    """The predictions of a live model, into the table."""
    from tasks.scoring import score_arrived

    with _live(window, data) as batch:
        made = score_arrived.fn(USECASE, batch)
    assert made is not None
    print(f"  {window}: {made.rows:,} rows scored, {made.digest[:12]}")


def watch(window: str, data: Path) -> None:
    """The findings of the channels about that model."""
    from perennial.identity import digest
    from tasks.health import watch_champion

    with _live(window, data) as batch:
        health = watch_champion.fn(USECASE, batch)
    readings = {each.channel: each for each in health.readings}
    print(f"  {window}: {health.labelled_rows:,} labelled, {digest(health.model_dump(mode='json'))[:12]}")
    print(*(f"    {name}: {each.words}" for name, each in readings.items()), sep="\n")


@contextmanager
def _live(window: str, data: Path) -> Iterator[Any]:
    """The batch, while a model that learned from its first 100,000 rows is live, as if since 41 days before its end."""
    from perennial.clock import instant, write_instant
    from perennial.ledger.entries import Release, Snapshot
    from perennial.model.released import Serving
    from perennial.our_columns import LABEL
    from perennial.training.fit import fit
    from tests.ledger.payloads import one_of_each

    stores = _Stores(window)
    rows = next(pq.ParquetFile(data / f"{window}.parquet").iter_batches(100_000)).to_pandas()
    served = Serving((fit(stores.case, rows.rename(columns={"late": LABEL})).fitted,), (1.0,))
    since = write_instant(stores.first - timedelta(days=1))
    releases = [row.payload for row in stores.workspace.ledger.all(USECASE, Release)]
    if since not in [each.as_of for each in releases]:
        of, number = {type(each): each for each in one_of_each().values()}, len(releases) + 1
        learned = {"batches": (stores.batch.batch,), "first": write_instant(stores.first), "last": stores.batch.end}
        snapshot = of[Snapshot].model_copy(update={"snapshot": f"snapshot-{number}", "as_of": since, **learned})
        stores.workspace.ledger.append(USECASE, snapshot)
        champion = of[Release].champion
        model = champion.model.model_copy(update={"digest": f"model-{number}"})
        champion = champion.model_copy(update={"challenger": f"challenger-{number}", "model": model})
        changed = {"release_no": number, "as_of": since, "snapshot": snapshot.snapshot, "serves": (champion,)}
        stores.workspace.ledger.append(USECASE, of[Release].model_copy(update=changed))
    assert instant(since) < instant(stores.batch.arrived_at)
    with patch("tasks.scoring.load_served", lambda *_: served), patch("tasks.health.load_served", lambda *_: served):
        yield stores.batch


def look(window: str, _: Path) -> None:
    """A look at a stage that began before the batch, whose candidate predicts half of what the champion did."""
    from perennial.clock import instant, write_instant
    from perennial.evaluation.staged.verdict import look_at
    from perennial.ledger.entries import BatchScored, Candidate, Decision, Release
    from perennial.ledger.entries.releases import PlannedStage
    from perennial.our_columns import BATCH, SCORE
    from perennial.release.stage_evidence import stage_evidence
    from perennial.store.stream import Parts
    from tests.ledger.payloads import one_of_each

    stores = _Stores(window)
    ledger, tables = stores.workspace.ledger, stores.workspace.tables
    decision = next(each for each in one_of_each().values() if isinstance(each, Decision))
    decision = decision.model_copy(update={"code": {}})
    ledger.append(USECASE, decision)
    scored = ledger.all(USECASE, BatchScored)[-1].payload
    beside = scored.model_copy(update={"of": "candidate"})

    def parts() -> Iterator[pa.Table]:
        stream = tables.stream(USECASE, "predictions", [scored.key])
        assert stream is not None
        for part in stream.parts:
            names = pa.array([beside.key] * len(part), pa.string())
            halved = {BATCH: names, SCORE: pc.divide(part[SCORE], 2.0)}
            yield pa.table({name: halved.get(name, part[name]) for name in part.column_names}, part.schema)

    schema = next(parts()).schema
    tables.append(USECASE, "predictions", Parts(schema, scored.rows, parts), beside.key)
    if ledger.get(USECASE, BatchScored, beside.key) is None:
        ledger.append(USECASE, beside)
    release = ledger.all(USECASE, Release)[-1].payload
    candidate = Candidate(
        model=release.champion.model,
        challenger=release.champion.challenger,
        decision=decision.id,
        features_digest="",
        stages=(PlannedStage(kind="shadow", share=0.0, days=7),),
        feedback="none",
        at=0,
        since=write_instant(stores.first),
    )
    begun = release.model_copy(update={"candidate": candidate})
    with patch("perennial.release.stage_evidence.declaration_then", lambda *_: stores.declaration):
        seen = stage_evidence(tables, ledger, USECASE, begun, instant(stores.batch.arrived_at))
    print(f"  {window}: {look_at(seen.evidence).reason} {seen.digest[:12]}")


def compare(window: str, _: Path) -> None:
    """A decision on the batch's rows about two models, each fitted on other ones of its first 200,000."""
    from perennial.clock import instant
    from perennial.deciding.decision import Decided, decide
    from perennial.deciding.evaluation_rows import rows_after
    from perennial.deciding.scored_models import Contest
    from perennial.ledger.entries import ChallengerEntry, Release
    from perennial.model.released import Serving
    from perennial.training.fit import fit
    from tests.ledger.payloads import one_of_each

    stores = _Stores(window)
    before = [instant(each.arrived_at) for each in stores.known.batches if each.window < window]
    found = rows_after(stores.tables, stores.declaration, stores.known, max(before, default=stores.first))
    learned = np.arange(min(200_000, len(found.rows)))
    champion, challenger = (
        fit(stores.case, found.at(half, list(found.rows.columns))).fitted for half in np.array_split(learned, 2)
    )
    entries = list(one_of_each().values())
    entry, release = (next(each for each in entries if isinstance(each, kind)) for kind in (ChallengerEntry, Release))
    contest = Contest(challenger, entry, Serving((champion,), (1.0,)), release)
    batch = stores.batch
    made = decide(stores.declaration, contest, found, [], batch.batch, batch.arrived_at, entry.trigger, {})
    assert isinstance(made, Decided), made
    primary, rows_compared = made.decision.metrics[0], made.decision.evaluation.rows
    print(f"  {window}: {rows_compared:,} rows, gain {primary.gain}, {made.decision.evaluation.digest[:12]}")


def train(window: str, _: Path) -> None:
    """The rows that a model learns from, and their snapshot."""
    from perennial.training.rows import training_rows
    from perennial.training.snapshot import snapshot_of

    stores = _Stores(window)
    training = training_rows(stores.tables, stores.declaration, stores.known)
    snapshot = snapshot_of(stores.tables, stores.declaration, stores.known, training)
    print(f"  {window}: {snapshot.rows:,} rows to learn from, {snapshot.digest[:12]}")


class _Stores:
    """The stores of the home, and what they know when a batch has arrived."""

    def __init__(self, window: str) -> None:
        from perennial.clock import instant
        from perennial.ledger.present import batch_named
        from perennial.settings import settings
        from perennial.store.known import known_at
        from perennial.store.workspace import open_workspace

        self.workspace = open_workspace(settings())
        self.case = self.workspace.use_case(USECASE)
        self.declaration = self.case.declaration
        self.tables = self.workspace.tables
        entry = batch_named(self.workspace.ledger, USECASE, window)
        assert entry is not None, f"{window} was not ingested"
        self.batch = entry
        self.first = instant(entry.end) - timedelta(days=40)
        self.known = known_at(self.workspace.ledger, USECASE, instant(entry.arrived_at))


STEPS: dict[str, Callable[[str, Path], None]] = {
    "nothing": nothing,
    "DuckDB": duckdb_scan,
    "ingest": ingest,
    "rows": rows,
    "statistics": statistics,
    "score": score,
    "watch": watch,
    "look": look,
    "compare": compare,
    "train": train,
}


@dataclass(frozen=True)
class Cost:
    """What one step took: CPU and wall seconds, and the peak of its memory in bytes."""

    cpu: float
    wall: float
    peak: int


def cost_of(step: str, window: str, folder: Path) -> Cost:
    """Run a step in a separate process. Raises SystemExit if it fails."""
    command = [sys.executable, __file__, "--folder", str(folder), "--step", step, "--window", window]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment(folder), cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{step} of {window} failed: status {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss * 1024)


def environment(folder: Path) -> dict[str, str]:
    """The variables of a process whose home is in the folder."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_HOME", "MLFLOW"))}
    places = {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(folder / "usecases")}
    return {**rest, **places, "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"}


def measured(folder: Path, rows: int, batches: int, earlier: int, of: list[str]) -> Iterator[str]:
    """Write the batches one by one, take them in, and yield a line of the table for each step.

    earlier: rows of each batch but the last.
    """
    data = folder / "usecases" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "usecases" / "shop.yaml").write_text(DECLARATION)
    names = windows(batches)
    for number, window in enumerate(names):
        of_batch = rows if window == names[-1] else earlier
        if not (data / f"{window}.parquet").exists():
            write_batch(data / f"{window}.parquet", of_batch, number)
        is_end = window in (names[0], names[-1])
        for step in STEPS:
            if step == "ingest" or (is_end and step in of):
                cost = cost_of(step, window, folder)
                yield (
                    f"| {window} | {step} | {of_batch:,} | {number:,} | {cost.cpu:.1f} "
                    f"| {cost.cpu / of_batch * 10**6:.2f} "
                    f"| {cost.wall:.1f} | {cost.peak / 2**30:.2f} |"
                )


def main() -> None:
    """Print the table of benchmarks/README.md."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--batches", type=int, default=3)
    asked.add_argument("--earlier", type=int, help="rows of each batch but the last; as many as of that by default")
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--steps", default=",".join(STEPS))
    asked.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked.add_argument("--window", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.step:
        STEPS[given.step](given.window, given.folder / "usecases" / "data")
        return
    with tempfile.TemporaryDirectory() as temporary:
        print("| batch | step | rows | batches before | CPU s | CPU s per million rows | wall s | peak GiB |")
        print("|---|---|---:|---:|---:|---:|---:|---:|")
        for line in measured(
            given.folder or Path(temporary),
            given.rows,
            given.batches,
            given.earlier or given.rows,
            given.steps.split(","),
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
