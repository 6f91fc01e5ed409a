"""The command line. Heavy libraries are imported by the command that needs them, so that `--help` is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; errors of ours become a message and an exit code instead of a stack trace."""
    from perennial.cli.app import app
    from perennial.errors import PerennialError

    try:
        app()
    except PerennialError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
