"""The command line. Heavy libraries are imported by the command that needs them, so that `--help` is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; every failure becomes a message and an exit code instead of a stack trace."""
    from perennial.cli.output import any_encoding
    from perennial.secrets import mask_logs

    mask_logs()
    any_encoding()
    sys.exit(_code_of_command())


def _code_of_command() -> int:
    from perennial.cli.app import app
    from perennial.cli.failures import Interrupted, report, unexpected, usage_error
    from perennial.errors import PerennialError

    try:
        code = int(app(standalone_mode=False) or 0)
    except PerennialError as error:
        return report(error)
    except usage_error() as error:
        return report(error)
    except Exception as error:  # noqa: BLE001 - the one place where it is written down for whoever repairs it
        return report(unexpected(error))
    if code == Interrupted.exit_code:  # how Typer answers Ctrl-C
        again = "Run the same command again: it continues where this one stopped."
        return report(Interrupted("interrupted: everything that was committed before is kept", fix=again))
    return code
