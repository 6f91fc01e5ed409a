"""What a training on a large history costs, on a sample or in parts: seconds and peak memory, in a separate process.

    python benchmarks/training.py --rows 20000000 --sample 1000000
    python benchmarks/training.py --rows 100000000 --parts xgboost --folder /mnt/large   # keeps the home

The history is that of `scale.py`, 14 columns in monthly batches, written straight to the accepted table and the ledger.
`rows` reads the rows to train on and makes their snapshot, `fit` also fits the model on them; both run the code of a
training, without MLflow.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import scale

BATCH_ROWS = 2_000_000
ESTIMATOR = "model: {estimator: sklearn.ensemble.HistGradientBoostingClassifier}"
SAMPLED = """
model:
  estimator: sklearn.ensemble.HistGradientBoostingClassifier
  sample: {rows: %d, by: time_decay, half_life: 1y}
"""
IN_PARTS = {
    "xgboost": """
model: {estimator: xgboost.XGBClassifier, params: {n_estimators: 50}, parts: {}}
""",
    "sgd": """
model: {estimator: "linear.py:model", parts: {rows: 10_000}}
""",
}
LINEAR = '''
def model(seed):
    """A linear model on scaled numbers and indicators of categories."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["shop", "carrier"]),
    )
    return make_pipeline(columns, SGDClassifier(loss="log_loss", average=True, random_state=seed))
'''


def write_history(folder: Path, rows: int) -> None:
    """Accepted rows in batches of `BATCH_ROWS`, the labels of each known when it arrived."""
    from perennial.intake.frames import arrow_column
    from perennial.ledger.entries import BatchEntry, Rows
    from perennial.our_columns import ARRIVED_AT, BATCH, LABEL_KNOWN_AT, ROW
    from perennial.settings import prepare_home, settings
    from perennial.store.workspace import open_workspace
    from perennial.usecase.columns import column_types

    prepare_home(settings())
    workspace = open_workspace(settings())
    declaration = workspace.use_case(scale.USECASE).declaration
    types = column_types(declaration)
    for number, window in enumerate(scale.windows(rows // BATCH_ROWS)):
        month = np.datetime64("2015-01") + number
        start, end = (each.astype("datetime64[us]").astype("int64") for each in (month, month + 1))
        part = scale.part_of(0, BATCH_ROWS, BATCH_ROWS, start, end - start, number)
        ends = str((month + 1).astype("datetime64[s]")) + "Z"
        arrived = pa.scalar(int(end), pa.timestamp("us", "UTC"))
        columns = {name: arrow_column(part[name].to_pandas(), kind) for name, kind in types.items()}
        columns[ROW] = pa.array(range(BATCH_ROWS), pa.int64())
        columns[LABEL_KNOWN_AT] = pa.array(part["at"].to_pandas() + timedelta(hours=1), pa.timestamp("us", "UTC"))
        columns[BATCH], columns[ARRIVED_AT] = pa.repeat(pa.scalar(window), BATCH_ROWS), pa.repeat(arrived, BATCH_ROWS)
        version = workspace.tables.append(scale.USECASE, "accepted", pa.table(columns), window)
        entry = BatchEntry(
            batch=window,
            window=window,
            start=f"{month}-01T00:00:00Z",
            end=ends,
            revision=1,
            landing="",
            digest="",
            arrived_at=ends,
            status="accepted",
            rows=Rows(arrived=BATCH_ROWS, accepted=BATCH_ROWS, quarantined=0, unlabelled=0),
            quarantine=(),
            warnings=(),
            held_because=(),
            extra_columns=(),
            table_version=version,
            quarantine_version=None,
            declaration_digest=declaration.digest,
        )
        workspace.ledger.append(scale.USECASE, entry)


def train(rows: int, *, fitted: bool) -> None:
    """The rows of a training on the first so many rows of the history with their snapshot, and the fitted model."""
    from perennial.clock import instant
    from perennial.ledger.entries import BatchEntry
    from perennial.settings import settings
    from perennial.store.known import known_at
    from perennial.store.workspace import open_workspace
    from perennial.training.fit import fit
    from perennial.training.opened_rows import opened_rows
    from perennial.training.snapshot import snapshot_of

    workspace = open_workspace(settings())
    case = workspace.use_case(scale.USECASE)
    newest = workspace.ledger.all(scale.USECASE, BatchEntry)[rows // BATCH_ROWS - 1].payload
    known = known_at(workspace.ledger, scale.USECASE, instant(newest.arrived_at))
    with opened_rows(workspace.tables, case.declaration, known) as training:
        snapshot = snapshot_of(workspace.tables, case.declaration, known, training)
        print(f"  {snapshot.rows_in_words}, {snapshot.digest[:12]}, {_peak():.2f} GiB so far")
        if fitted:
            made = fit(case, training.rows)
            print(f"  fitted in {made.seconds:.0f} s, in-sample log loss {made.in_sample}")


def _peak() -> float:
    """The largest memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Print a line per step."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=20_000_000)
    asked.add_argument("--sample", type=int, default=1_000_000)
    asked.add_argument("--parts", choices=IN_PARTS, help="fit in parts, instead of on a sample")
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--step", choices=("write", "rows", "fit"), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.step == "write":
        write_history(given.folder, given.rows)
    elif given.step:
        train(given.rows, fitted=given.step == "fit")
    else:
        with tempfile.TemporaryDirectory() as temporary:
            folder = given.folder or Path(temporary)
            (folder / "usecases").mkdir(parents=True, exist_ok=True)
            model = IN_PARTS[given.parts] if given.parts else SAMPLED % given.sample
            (folder / "usecases" / "linear.py").write_text(LINEAR)
            (folder / "usecases" / "shop.yaml").write_text(scale.DECLARATION.replace(ESTIMATOR, model.strip()))
            print("| step | CPU s | wall s | peak GiB |\n|---|---:|---:|---:|")
            for step in ("write", "rows", "fit") if not (folder / "home").exists() else ("rows", "fit"):
                _measured(step, folder, given.rows)


def _measured(step: str, folder: Path, rows: int) -> None:
    command = [sys.executable, __file__, "--folder", str(folder), "--rows", str(rows), "--step", step]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=scale.environment(folder), cwd=scale.ROOT)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{step} failed: status {os.waitstatus_to_exitcode(status)}")
    wall, cpu = time.perf_counter() - started, used.ru_utime + used.ru_stime
    print(f"| {step} | {cpu:.0f} | {wall:.0f} | {used.ru_maxrss / 2**20:.2f} |", flush=True)


if __name__ == "__main__":
    main()
