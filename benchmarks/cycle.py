"""Time a warm full cycle against a bare scikit-learn script with the same fits and the same comparison, in one run.

    python benchmarks/cycle.py            # flights, month by month, the two sides taking turns
    python benchmarks/cycle.py --growth   # the cost of a cycle without its fit after 1, 3 and 10 years of batches
    python benchmarks/cycle.py --anchors  # what each kind of place for anchors adds to a cycle of a small shop
    python benchmarks/cycle.py --worker   # a deployed worker's cycle of a small shop, from request to finished

The bare script is one that could run from cron. It reads the month's bytes with pandas, stores typed months as Parquet
and its two models with joblib, compares them by day on the new labels, then fits on all months so far
(bare.py, which uses only numpy, pandas, scipy and scikit-learn). It validates nothing and records nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import bare  # noqa: E402 - beside this file

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient


@contextmanager
def home() -> Iterator[Path]:
    """A home and a Prefect server for this run only, with everything imported and warm."""
    from perennial.cli.running import flows_ready
    from perennial.processes.prefect_server import stop_server
    from perennial.settings import settings

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PERENNIAL_HOME"] = f"{folder}/home"
        os.environ["PERENNIAL_USECASES"] = f"{folder}/usecases"
        Path(folder, "usecases").mkdir()
        try:
            with flows_ready():
                yield Path(folder)
        finally:
            stop_server(settings())


def flights() -> None:
    """Run ours and bare month by month; print a line for each, then the medians from April onwards."""
    from perennial.intake.due import source_of
    from perennial.usecase.reading import load_use_case
    from tests.year import independent
    from tests.year.replay import FUNCTIONS, MONTHS, declaration

    with home() as folder:
        import yaml

        said = declaration() | {"release": {"policy": "balanced"}}
        (folder / "usecases" / "flights.yaml").write_text(yaml.safe_dump(said))
        (folder / "usecases" / "flights.py").write_text(FUNCTIONS)
        from flows.cycle import cycle
        from tasks.page import pages_written

        case = load_use_case("flights", folder / "usecases")
        source = source_of(case)
        windows = {window.name: window for window in source.windows()}
        months = independent.flights()
        print("| month | training rows | bare, s | ours, s | ratio | difference, s |")
        print("|---|---:|---:|---:|---:|---:|")
        rows = []
        for month in MONTHS:
            typed = months[months["month"] == month]
            start = time.perf_counter()
            pd.read_csv(io.BytesIO(source.fetch(windows[month]).data))
            trained_on = bare_cycle(folder / "bare", month, typed)
            alone = time.perf_counter() - start
            start = time.perf_counter()
            cycle("flights", month)
            ours = time.perf_counter() - start
            pages_written()
            rows.append((alone, ours))
            print(
                f"| {month} | {trained_on:,} | {alone:.2f} | {ours:.2f} | {ours / alone:.2f} | {ours - alone:.2f} |",
                flush=True,
            )
        warm = rows[3:]
        ratios, beside = [o / b for b, o in warm], [o - b for b, o in warm]
        print(
            f"\nApril to December, {len(warm)} cycles: ratio {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}), difference {statistics.median(beside):.2f} s "
            f"({min(beside):.2f} to {max(beside):.2f})."
        )
        where_it_goes()


def bare_cycle(kept: Path, month: str, typed: pd.DataFrame) -> int:
    """Run one month of the bare script; return the number of training rows."""
    kept.mkdir(exist_ok=True)
    bare.keep_month(kept, month, typed)
    known = bare.known_rows(kept, month)
    bare.compare(kept, known)
    bare.fit(kept, month, known)
    return len(known)


def where_it_goes() -> None:
    """Print the seconds per Prefect task in a cycle, and draw them next to this file."""
    import altair as alt
    from prefect import get_client
    from prefect.client.schemas.filters import TaskRunFilter

    found: dict[str, list[float]] = {}
    with get_client(sync_client=True) as client:
        for offset in range(0, 2_000, 200):
            page = client.read_task_runs(task_run_filter=TaskRunFilter(), limit=200, offset=offset)
            for run in page:
                found.setdefault(run.name.rsplit("-", 1)[0], []).append(run.total_run_time.total_seconds())
    rows = sorted(((name, statistics.median(s), len(s)) for name, s in found.items()), key=lambda row: -row[1])
    print("\n| task | runs | median, s |\n|---|---:|---:|")
    for name, seconds, runs in rows:
        print(f"| {name} | {runs} | {seconds:.3f} |")
    values = [{"task": name, "seconds": seconds} for name, seconds, _ in rows if seconds >= 0.01]
    chart = alt.Chart(alt.Data(values=values), width=500).mark_bar()
    drawn = chart.encode(
        x=alt.X("seconds:Q", title="median seconds per cycle"), y=alt.Y("task:N", sort="-x", title=None)
    )
    drawn.save(str(Path(__file__).with_name("cycle.svg")))


def growth() -> None:
    """Ten years of a small shop: seconds per cycle without its fit, at the end of years 1, 3 and 10."""
    from perennial.ledger.entries import ChallengerEntry
    from perennial.settings import settings
    from perennial.store.workspace import open_workspace
    from tests.world import World, month_of_rows

    with home() as folder:
        shop = World(folder / "usecases", rows_a_day=2).declare(clock="replay")
        months = [str(month) for month in pd.period_range("2010-01", periods=120, freq="M")]
        for month in months:
            month_of_rows(month, rows_a_day=2).to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)
        from flows.cycle import cycle
        from tasks.page import pages_written

        beside = []
        for month in months:
            start = time.perf_counter()
            cycle("shop", month)
            whole = time.perf_counter() - start
            pages_written()
            fit = open_workspace(settings()).ledger.all("shop", ChallengerEntry)[-1].payload.seconds
            beside.append(whole - fit)
        print("| batches | seconds per cycle without its fit, median of the last 6 (range) |\n|---:|---|")
        for end in (12, 36, 120):
            last = beside[end - 6 : end]
            print(f"| {end} | {statistics.median(last):.2f} ({min(last):.2f} to {max(last):.2f}) |", flush=True)


ANCHORED = 24


def anchors() -> None:
    """The step that anchors the ledger after each cycle of a small shop, by Prefect and, every other time, without."""
    from threading import Thread

    from perennial.governance.anchor_key import make_key
    from perennial.governance.anchored import anchored_at
    from perennial.settings import settings
    from tests.world import World, month_of_rows

    with home() as folder:
        shop = World(folder / "usecases", rows_a_day=10).declare(clock="replay")
        months = [str(month) for month in pd.period_range("2010-01", periods=ANCHORED, freq="M")]
        for month in months:
            month_of_rows(month, rows_a_day=10).to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)
        from flows.cycle import cycle
        from tasks.anchoring import anchor_if_any, anchor_ledger
        from tasks.page import pages_written

        make_key(folder / "key", "example.com/benchmark", folder / "home")
        subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "repository")], check=True)
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        Thread(target=receiver.serve_forever, daemon=True).start()
        webhook = f"http://127.0.0.1:{receiver.server_port}/anchors"
        places = {"file": f"file:{folder}/anchors.txt", "git": f"git:{folder}/repository", "webhook": webhook}
        os.environ["PERENNIAL_ANCHOR_KEY"] = str(folder / "key")
        seconds: dict[str, list[float]] = {name: [] for name in ("cycle", *places)}
        for number, month in enumerate(months):
            os.environ.pop("PERENNIAL_ANCHORS", None)
            start = time.perf_counter()
            cycle("shop", month)
            seconds["cycle"].append(time.perf_counter() - start)
            pages_written()
            for name, address in places.items():
                os.environ["PERENNIAL_ANCHORS"] = address
                start = time.perf_counter()
                if number % 2:
                    anchor_ledger.fn("shop")
                else:
                    anchor_if_any("shop")
                seconds[name].append(time.perf_counter() - start)
                if anchored_at(settings(), "shop")[address].failed:
                    raise SystemExit(f"{name}: the head of {month} was not anchored")
        receiver.shutdown()
        print(f"| | by Prefect, s: median of {ANCHORED // 2 - 1} (range) | without, s |\n|---|---|---|")
        for name, taken in seconds.items():
            of = [f"{statistics.median(s):.3f} ({min(s):.3f} to {max(s):.3f})" for s in (taken[2::2], taken[3::2])]
            print(f"| {name} | {' | '.join(of[:1] if name == 'cycle' else of)} |", flush=True)


class Receiver(BaseHTTPRequestHandler):
    """Takes what is posted, as the receiver of a webhook does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print no line per request."""


IMPORTS = (
    "import flows.cycle; from data_checks.quiet import great_expectations; great_expectations(); import mlflow.sklearn"
)
RUNS = 5


def worker() -> None:
    """A small shop's cycles by a Prefect worker, each beside a warm cycle in this process and its imports alone."""
    from prefect import get_client

    from perennial.processes.deployments import deploy
    from perennial.settings import settings
    from tests.world import World, month_of_rows

    with home() as folder:
        shop = World(folder / "usecases", rows_a_day=10).declare(clock="replay")
        months = [str(month) for month in pd.period_range("2010-01", periods=2 * RUNS + 2, freq="M")]
        for month in months:
            month_of_rows(month, rows_a_day=10).to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)
        from flows.cycle import cycle

        cycle("shop", months.pop(0))
        deploy(settings(), {})
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "perennial", "--limit", "1"]
        with (folder / "worker.log").open("wb") as log:
            often = {**os.environ, "PREFECT_WORKER_QUERY_SECONDS": "1"}  # as in `perennial up`
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=often)
        print("| | request to running, s | to finished, s | imports alone, s | warm, s | ratio |")
        print("|---|---:|---:|---:|---:|---:|")
        ratios = []
        try:
            with get_client(sync_client=True) as client:
                deployed = client.read_deployment_by_name("cycle/cycle")
                cycle_by_worker(client, deployed.id, months.pop(0))  # the worker itself starts
                for number in range(RUNS):
                    running, finished = cycle_by_worker(client, deployed.id, months.pop(0))
                    imports = seconds_of([sys.executable, "-c", IMPORTS]) - seconds_of([sys.executable, "-c", ""])
                    start = time.perf_counter()
                    cycle("shop", months.pop(0))
                    warm = time.perf_counter() - start
                    ratios.append(finished / (imports + warm))
                    print(
                        f"| {number + 1} | {running:.1f} | {finished:.1f} | {imports:.1f} | {warm:.1f} | "
                        f"{ratios[-1]:.2f} |",
                        flush=True,
                    )
        finally:
            process.terminate()
            process.wait()
        print(f"\nMedian ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}).")


def cycle_by_worker(client: SyncPrefectClient, deployment: UUID, month: str) -> tuple[float, float]:
    """Request a cycle; seconds until the flow runs, and until it has finished."""
    asked = client.create_flow_run_from_deployment(deployment, parameters={"usecase": "shop", "window": month})
    run = asked
    while run.state is None or not run.state.is_final():
        time.sleep(0.1)
        run = client.read_flow_run(asked.id)
    if not run.state.is_completed() or run.start_time is None or run.end_time is None or asked.created is None:
        raise SystemExit(f"the worker's cycle of {month} did not complete: {run.state}")
    return (run.start_time - asked.created).total_seconds(), (run.end_time - asked.created).total_seconds()


def seconds_of(command: list[str]) -> float:
    """How long a process takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--growth", action="store_true")
    asked.add_argument("--anchors", action="store_true")
    asked.add_argument("--worker", action="store_true")
    mode = asked.parse_args()
    growth() if mode.growth else anchors() if mode.anchors else worker() if mode.worker else flights()
