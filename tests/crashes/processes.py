"""Processes that run the real commands and may be killed, each forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from types import SimpleNamespace

from perennial.settings import settings
from perennial.store.workspace import Workspace

LONG = 240.0

STARTS_AT = "TEST_STARTS_AT"
"""The variable with the moment at which a process starts, by schedule and by the machine's clock; without it, now."""

STOPS_AT = "TEST_STOPS_AT"
"""The variable with a point of `fault_points` at which a process is paused, as a virtual machine may be."""

_PLACES = ("PERENNIAL_", "MLFLOW_TRACKING_URI")

# A start looks at how all other processes ended, and that can be read only once: two threads at it read 255.
_one_reads = Lock()


@dataclass(frozen=True)
class Place:
    """A home and the use cases it is for; every process is led there by its environment. more: variables of it."""

    home: Path
    usecases: Path
    more: dict[str, str] = field(default_factory=dict)

    def start(self, *command: str, crash_at: str | None = None) -> BaseProcess:
        """Start `perennial COMMAND` in a separate process."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(_PLACES)}
        variables |= self.variables
        if crash_at is not None:
            variables["PERENNIAL_CRASH_AT"] = crash_at
        log = self.home.with_name(f"{self.home.name}.log")
        context = multiprocessing.get_context("forkserver")
        process = context.Process(target=_perennial, args=(command, variables, str(log)), daemon=True)
        with _one_reads:
            process.start()
        return process

    def run(self, *command: str, crash_at: str | None = None) -> int:
        """Run `perennial COMMAND` and wait for its exit code, negative where a signal ended it."""
        process = self.start(*command, crash_at=crash_at)
        code = exit_code(process, LONG)
        if code is None:
            process.kill()
            raise TimeoutError(f"perennial {' '.join(command)} did not end in {LONG:.0f} s; crash_at={crash_at}")
        return code

    def finish(self, *command: str) -> None:
        """Run `perennial COMMAND`, which must succeed."""
        code = self.run(*command)
        assert code == 0, f"perennial {' '.join(command)} ended with {code}:\n{self.said()}"

    def said(self) -> str:
        """The end of what its processes wrote."""
        log = self.home.with_name(f"{self.home.name}.log")
        return log.read_text(errors="replace")[-30_000:] if log.exists() else ""

    @property
    def variables(self) -> dict[str, str]:
        """What leads a process there."""
        return {"PERENNIAL_HOME": str(self.home), "PERENNIAL_USECASES": str(self.usecases)} | self.more

    @property
    def workspace(self) -> Workspace:
        """Its stores, opened afresh."""
        return Workspace(settings(self.variables))


def exit_code(process: BaseProcess, seconds: float) -> int | None:
    """The exit code of a process, negative where a signal ended it; None where it has not ended in so long."""
    wait([process.sentinel], seconds)
    with _one_reads:
        return process.exitcode


def _perennial(command: tuple[str, ...], variables: dict[str, str], log: str) -> None:
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()  # what was set when the process that it is forked from was started
    os.environ.update(variables)
    sys.argv = ["perennial", *command]
    from perennial.cli import main

    if STARTS_AT in variables:
        import perennial.cli.machine_clock
        import tasks.as_of

        start = datetime.fromisoformat(variables[STARTS_AT])
        perennial.cli.machine_clock.now = lambda: start
        tasks.as_of.flow_run = SimpleNamespace(scheduled_start_time=start)  # type: ignore[assignment]

    if STOPS_AT in variables:
        _pause_at(variables[STOPS_AT])
    main()


def _pause_at(paused: str) -> None:
    from perennial import fault_points

    former = fault_points._reach

    def reach(point: str) -> None:
        if point == paused:
            fault_points._reach = former
            os.kill(os.getpid(), signal.SIGSTOP)

    fault_points._reach = reach
