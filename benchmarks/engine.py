"""The demo's year of flights by the local engine and on a Dask cluster of two workers: the record must be the same.

    python benchmarks/engine.py              # prints a table; fails if anything differs
    python benchmarks/engine.py --months 4
    python benchmarks/engine.py --speed 5000000

Each month is a typed Parquet file that is not held in memory, so that its typing and its checks go through the engine.
Each engine has a separate home and process, and runs the steps of the cycle without Prefect. Compared is what does not
differ between any two runs: models are named by version, since the bytes of their files differ. Change no file of the
project meanwhile: models record the version of the code.

With `--speed`, one batch of so many rows goes through the steps of benchmarks/scale.py that use the engine, by the
local one and on clusters of one and of two workers, in turns: wall seconds, and their ratio to the local engine.
Workers beside the process of the run need more than two cores for their full speed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

ROWS_OF_A_GROUP = 5_000
SPREAD = ("ingest", "statistics", "score", "watch")
"""Steps of benchmarks/scale.py of which workers do a part."""


def write_months(folder: Path, months: int) -> None:
    """The declaration of the demo with a Parquet file for each month."""
    from perennial.intake.due import source_of
    from perennial.usecase.reading import load_use_case

    source = source_of(load_use_case("flights", ROOT / "usecases"))
    (folder / "months").mkdir(parents=True)
    for window in source.windows()[:months]:
        rows = pd.read_csv(io.BytesIO(source.fetch(window).data), low_memory=False)
        rows["time_hour"] = pd.to_datetime(rows["time_hour"], utc=True)
        rows.to_parquet(folder / "months" / f"{window.name}.parquet", row_group_size=ROWS_OF_A_GROUP)
    declared = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())
    declared["source"] = {"kind": "files", "path": "months", "batch": "file"}
    (folder / "flights.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    (folder / "flights.py").write_text((ROOT / "usecases" / "flights.py").read_text())


def live(to: Path) -> None:
    """Cycle after cycle in this process's home, then write what was recorded."""
    from perennial.content import digest_rows
    from perennial.our_columns import BATCH, ROW
    from perennial.settings import settings
    from perennial.store.tables import Name
    from perennial.store.workspace import open_workspace
    from tests.crashes.agreement import story
    from tests.training.stores import cycle

    while cycle(usecase="flights") is not None:
        print(".", end="", flush=True)
    workspace = open_workspace(settings())
    rows = story(workspace, "flights")
    keys: dict[Name, list[str]] = {
        "accepted": ["flight_id"],
        "quarantine": [BATCH, ROW],
        "predictions": [BATCH, "flight_id"],
    }
    tables = {}
    for name, key in keys.items():
        table = workspace.tables.read("flights", name, [*workspace.tables.batches("flights", name)])
        if table is not None:
            tables[name] = (table.num_rows, digest_rows(table.to_pandas(), key))
    to.write_text(json.dumps({"ledger": rows, "tables": tables}))


def lived(folder: Path, name: str, **variables: str) -> tuple[dict[str, Any], float]:
    """What a home with these settings has recorded, and the seconds that it took."""
    to, started = folder / f"{name}.json", time.perf_counter()
    places = {"PERENNIAL_HOME": str(folder / name), "PERENNIAL_USECASES": str(folder), "PERENNIAL_ROWS_IN_MEMORY": "1"}
    rest = {key: value for key, value in os.environ.items() if not key.startswith(("PERENNIAL", "MLFLOW"))}
    environ = {**rest, **places, **variables, "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"}
    subprocess.run([sys.executable, __file__, "--record", str(to)], env=environ, cwd=ROOT, check=True)
    print()
    return json.loads(to.read_text()), time.perf_counter() - started


def speed(rows: int, folder: Path, turns: int = 2) -> None:
    """Print the wall seconds of each step by each engine."""
    import scale

    from tests.dask_cluster import dask_cluster

    data, window = folder / "data", scale.windows(1)[0]
    data.mkdir(parents=True)
    scale.write_batch(data / f"{window}.parquet", rows, 0)
    took: dict[str, dict[int, list[float]]] = {step: {} for step in SPREAD}
    for turn in range(turns):
        for workers in (0, 1, 2):
            home = folder / f"{workers}-{turn}"
            (home / "usecases").mkdir(parents=True)
            (home / "usecases" / "data").symlink_to(data)
            (home / "usecases" / "shop.yaml").write_text(scale.DECLARATION)
            with dask_cluster(home, workers) as cluster:
                if workers:
                    os.environ |= {"PERENNIAL_ENGINE": "dask", "PERENNIAL_DASK_SCHEDULER": cluster.address}
                for step in SPREAD:
                    took[step].setdefault(workers, []).append(scale.cost_of(step, window, home).wall)
            for name in ("PERENNIAL_ENGINE", "PERENNIAL_DASK_SCHEDULER"):
                os.environ.pop(name, None)
            shutil.rmtree(home)
    print("| step | local, s | one worker, s (times) | two workers, s (times) |\n|---|---|---|---|")
    for step, of in took.items():
        cells = [" ".join(f"{each:.0f}" for each in of[0])]
        for workers in (1, 2):
            ratios = " ".join(f"{mine / local:.2f}" for mine, local in zip(of[workers], of[0], strict=True))
            cells.append(f"{' '.join(f'{each:.0f}' for each in of[workers])} ({ratios})")
        print(f"| {step} | {' | '.join(cells)} |")


def main() -> None:
    """Print the table of benchmarks/README.md."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--months", type=int, default=12)
    asked.add_argument("--speed", type=int, metavar="ROWS")
    asked.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.record:
        live(given.record)
        return
    if given.speed:
        with tempfile.TemporaryDirectory() as temporary:
            speed(given.speed, Path(temporary))
        return
    from tests.dask_cluster import dask_cluster

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_months(folder, given.months)
        local, took_local = lived(folder, "local")
        with dask_cluster(folder, workers=2) as cluster:
            engine = {"PERENNIAL_ENGINE": "dask", "PERENNIAL_DASK_SCHEDULER": cluster.address}
            dask, took_dask = lived(folder, "dask", **engine)
    print("| what | rows | the same |")
    print("|---|---:|---|")
    same = True
    for kind, rows in local["ledger"].items():
        if rows or dask["ledger"][kind]:
            same &= (equal := rows == dask["ledger"][kind])
            print(f"| ledger: {kind} | {len(rows):,} | {'yes' if equal else 'no'} |")
    for name, (rows, _) in local["tables"].items():
        same &= (equal := local["tables"][name] == dask["tables"].get(name))
        print(f"| table {name} | {rows:,} | {'yes' if equal else 'no'} |")
    print(f"\n{given.months} months: local {took_local:.0f} s, dask with two workers {took_dask:.0f} s")
    if not same:
        both = Path(tempfile.gettempdir()) / "perennial-engines.json"
        both.write_text(json.dumps([local, dask], indent=1))
        raise SystemExit(f"the record differs: see {both}")


if __name__ == "__main__":
    main()
