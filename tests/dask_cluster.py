"""A Dask scheduler and workers on this machine, each a process, as a team starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cluster:
    """folder: of what the processes write besides. address: of the scheduler."""

    folder: Path
    address: str = ""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def work(self, workers: int, environ: Mapping[str, str] | None = None) -> None:
        """Start workers of one thread each; returns when the scheduler has them."""
        from distributed import Client

        if not workers:
            return
        for _ in range(workers):
            command = [self.address, "--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder)]
            self.workers.append(_started("worker", [*command, "--no-dashboard"], self.folder, environ))
        with Client(self.address, set_as_default=False, timeout=60) as client:
            client.wait_for_workers(self.alive, timeout=60)

    @property
    def alive(self) -> int:
        """How many workers run."""
        return sum(each.poll() is None for each in self.workers)

    def stop(self) -> None:
        """End every process."""
        for process in (*self.workers, *self.others):
            process.kill()
            process.wait()
        self.workers.clear()


@contextmanager
def dask_cluster(folder: Path, workers: int, environ: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A scheduler with that many workers, ended afterwards. environ: variables of the scheduler."""
    cluster, written = Cluster(folder), folder / "scheduler.json"
    command = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(written)]
    cluster.others.append(_started("scheduler", command, folder, environ))
    try:
        from distributed import Client

        with Client(scheduler_file=str(written), set_as_default=False, timeout=60) as client:
            assert client.scheduler is not None
            cluster.address = client.scheduler.address
        cluster.work(workers)
        yield cluster
    finally:
        cluster.stop()


def _started(
    what: str, command: list[str], folder: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with (folder / f"{what}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", *command],
            env={**os.environ, **(environ or {})},
            stdout=log,
            stderr=log,
        )
