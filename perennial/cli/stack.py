"""Commands for the whole stack on this machine: `up`, `down`, `deploy`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from perennial.access.access import site_access
from perennial.cli.output import as_json, flowing, note, say
from perennial.errors import TransientError
from perennial.processes.log_files import last_lines
from perennial.processes.up_record import UpRecord
from perennial.settings import Settings, prepare_home, settings

READY_SECONDS = 180.0
WIDTH = 8
"""Of the longest name of a part."""


def up(detach: bool, runs: int) -> None:
    """The whole stack, in this process or in one that stays."""
    where = settings()
    site_access(os.environ)  # what is wrong with it is reported here, not in the log of a part
    if detach:
        _detach(where, runs)
        return
    from perennial.processes.up import up as run

    flowing(f"Starting everything on {where.home} ... Ctrl-C stops it.")
    run(where, runs, _report, _show_addresses)
    say("Everything is stopped.")


def down(force: bool) -> None:
    """Stop it."""
    from perennial.processes.up import down as stop

    say("Everything is stopped." if stop(settings(), force=force) else "Nothing of ours was running.")


def deploy(json: bool) -> None:
    """Deployments and schedules, on the server that is running or is started."""
    from perennial.processes.deployments import deploy as run
    from perennial.processes.prefect_server import environment, start_server, wait_for

    where = settings()
    prepare_home(where)
    server = start_server(where)
    if server.started:
        note(f"Starting a Prefect server ({server.ui}) ...")
    wait_for(server)
    plan = run(where, environment(server))
    if json:
        as_json(
            {
                "schedules": {
                    name: {"cron": each["cron"], "timezone": each["timezone"]} for name, each in plan.schedules.items()
                },
                "fleets": {
                    name: {"cron": each["cron"], "timezone": each["timezone"]} for name, each in plan.fleets.items()
                },
                "without_schedule": list(plan.without),
                "mistaken": dict(plan.mistaken),
            }
        )
        return
    flowing(f"Deployed to {server.ui}.")
    for name, each in {**plan.schedules, **plan.fleets}.items():
        flowing(f"  {name}: {each['cron']} ({each['timezone']})")
    for name in plan.without:
        flowing(f"  {name}: no schedule")
    for name, mistake in plan.mistaken.items():
        flowing(f"  {name}: its declaration cannot be used, so a schedule that it has stays as it is: {mistake}")


def _detach(where: Settings, runs: int) -> None:
    """Start `up` in a separate session and wait until it is ready. Raises TransientError if it does not become so."""
    from perennial.processes.up import refuse_second

    prepare_home(where)
    refuse_second(where)
    where.logs.mkdir(exist_ok=True)
    log = where.logs / "up.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "perennial.cli", "up", "--runs", str(runs)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        record = UpRecord.read(where)
        if record is not None and record.pid == child.pid and record.is_ready:
            _show_addresses(record)
            say("`perennial down` stops it.")
            return
        if child.poll() in (0, -signal.SIGTERM):
            raise TransientError(
                "it was stopped while it was starting",
                code="not-up",
                fix="`perennial down` in another terminal does so. Run the same command again: it starts anew.",
            )
        if child.poll() is not None:
            raise TransientError(f"it did not start; the end of {log}:\n{last_lines(log)}", code="not-up")
        time.sleep(0.2)
    raise TransientError(
        f"not every part is ready after {READY_SECONDS:.0f} s; the end of {log}:\n{last_lines(log)}",
        code="not-up",
        fix="It goes on trying. `perennial down` stops it.",
    )


def _report(part: str, text: str) -> None:
    for line in text.splitlines():
        say(f"{part:<{WIDTH}} | {line}")
    sys.stdout.flush()


def _show_addresses(record: UpRecord) -> None:
    say("Everything is ready:")
    for name, address in record.addresses.items():
        say(f"  {name:<{WIDTH}} {address}")
    sys.stdout.flush()
