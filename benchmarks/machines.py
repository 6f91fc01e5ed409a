"""A fleet on two machines that are killed at random moments: no batch twice, one champion each.

Two homes with separate folders, one PostgreSQL, one object store. Both run the fleet of a template. Each is killed
after a random time and started again, until it has been killed often enough, and then runs to its end.
`python benchmarks/machines.py 50 6` has fifty members with two months each, and kills each machine six times.
Results are in benchmarks/README.md.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, Release
from tests.crashes.agreement import assert_readers_see_whole_batches
from tests.crashes.processes import Place, exit_code
from tests.fleet.stores import month_of_store, write_template
from tests.postgres.postgres_server import initdb, new_database, postgres_server
from tests.s3 import s3_server

MEMBERS, KILLS = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (50, 6)
MONTHS = ("2024-01", "2024-02")
MEAN_SECONDS = 60.0
"""Between the start of a process and its kill."""
LONGEST = 3600.0


def main() -> None:
    """Run the fleet, then count."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["tests.crashes.preload"])
    folder = Path(tempfile.mkdtemp(prefix="machines-"))
    program = initdb()
    assert program is not None, "needs PostgreSQL"
    with postgres_server(program) as server, s3_server("lake") as s3, _prefect(folder):
        shared = {
            "PERENNIAL_DATABASE_URL": new_database(server),
            "MLFLOW_TRACKING_URI": new_database(server),
            "PERENNIAL_TABLES_URI": "s3://lake/tables",
            "PERENNIAL_FILES_URI": "s3://lake/files",
            "PERENNIAL_MLFLOW_ARTIFACTS": "s3://lake/models",
            **s3,
        }
        os.environ.update(s3)
        members = _declare(folder / "usecases")
        places = [_place(folder, name, shared) for name in ("one", "two")]
        began = time.monotonic()
        kills, ends = _run(places)
        print(f"{MEMBERS} members, {len(MONTHS)} batches each, {time.monotonic() - began:.0f} s; kills: {kills}")
        print(f"exit codes of the runs that were not killed: {ends}")
        _count(places, members)


def _declare(usecases: Path) -> list[str]:
    usecases.mkdir()
    stores = [f"s{number:03d}" for number in range(MEMBERS)]
    write_template(usecases, stores)
    for store in stores:
        for month in MONTHS:
            month_of_store(usecases, store, month)
    return [f"sales_{store}" for store in stores]


def _place(folder: Path, name: str, shared: dict[str, str]) -> Place:
    (folder / name).mkdir()
    return Place(folder / name / "home", folder / "usecases", shared)


def _run(places: Sequence[Place]) -> tuple[list[int], list[int]]:
    """Run and kill both until each ended by itself; how often each was killed, and how those ended that were not."""
    draw, kills, ends = random.Random(1), [0] * len(places), list[int]()
    at_work: dict[int, tuple[BaseProcess, float]] = {}
    left = set(range(len(places)))
    while left or at_work:
        for number in left - set(at_work):
            until = draw.expovariate(1 / MEAN_SECONDS) if kills[number] < KILLS else LONGEST
            at_work[number] = (places[number].start("fleet", "run", "sales"), time.monotonic() + until)
        for number, (process, until) in list(at_work.items()):
            if process.is_alive() and time.monotonic() > until:
                process.kill()
                process.join()
                kills[number] += 1
                print(f"machine {number + 1}: killed {kills[number]} times", flush=True)
            elif not process.is_alive():
                code = exit_code(process, 0)
                ends.append(-1 if code is None else code)
                if code == 0:
                    left.discard(number)
            else:
                continue
            del at_work[number]
        time.sleep(0.2)
    return kills, ends


def _count(places: Sequence[Place], members: Sequence[str]) -> None:
    """What the ledger, the tables and MLflow have of all members."""
    workspace = places[0].workspace
    ledger, counts = workspace.ledger, Counter[str]()
    for member in members:
        assert_readers_see_whole_batches(workspace, member)
        windows = [row.payload.window for row in ledger.all(member, BatchEntry)]
        trained = {row.payload.model.version for row in ledger.all(member, ChallengerEntry)}
        releases = [row.payload.release_no for row in ledger.all(member, Release)]
        champion = workspace.registry.champion(member)
        counts["batches"] += len(windows)
        counts["batches twice"] += len(windows) - len(set(windows))
        counts["batches missing"] += len(set(MONTHS) - set(windows))
        counts["challengers"] += len(trained)
        counts["decisions"] += len(ledger.all(member, Decision))
        counts["releases"] += len(releases)
        counts["members with one champion"] += int(
            releases == list(range(1, len(releases) + 1))
            and champion == ledger.all(member, Release)[-1].payload.champion.model.version
        )
    print(", ".join(f"{name} {number}" for name, number in counts.items()))


@contextmanager
def _prefect(folder: Path) -> Iterator[None]:
    """One Prefect server for both; its address is in the environment of all processes."""
    from perennial.processes.prefect_server import environment, start_server, stop_server, wait_for
    from perennial.settings import prepare_home, settings

    where = settings({"PERENNIAL_HOME": str(folder / "prefect")})
    prepare_home(where)
    server = start_server(where)
    os.environ.update(environment(server))
    try:
        wait_for(server, LONGEST)
        yield
    finally:
        stop_server(where)


if __name__ == "__main__":
    main()
