"""Commands for the machine's processes: `down`."""

from __future__ import annotations


def down() -> None:
    """Stop the Prefect server that an earlier command started."""
    from perennial.cli.output import say
    from perennial.processes.prefect_server import stop_server
    from perennial.settings import settings

    say("The Prefect server is stopped." if stop_server(settings()) else "No Prefect server of ours was running.")
