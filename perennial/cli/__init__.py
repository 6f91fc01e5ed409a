"""The command line. Heavy libraries are imported by the command that needs them, so that `--help` is quick."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


def main() -> None:
    """Run the command line; every failure becomes a message and an exit code instead of a stack trace."""
    from perennial.cli.failures import command_run
    from perennial.cli.lost_interrupts import lost_interrupts_sent_again
    from perennial.cli.noted import waits_noted
    from perennial.cli.output import SILENCE, any_encoding, shows_at_once
    from perennial.processes.untracked import report_nothing
    from perennial.secrets import mask_logs

    report_nothing()
    mask_logs()
    any_encoding()
    with _ctrl_c_answered(), lost_interrupts_sent_again(), waits_noted():
        if not shows_at_once():
            SILENCE.begins(f"{command_run()} is still working")
        code = _code_of_command()
        SILENCE.ends()
    sys.exit(code)


@contextmanager
def _ctrl_c_answered() -> Iterator[None]:
    """Acknowledge Ctrl-C before what is under way has ended, which may take seconds."""
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _stopping)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stopping(number: int, frame: FrameType | None) -> None:
    # Straight to the file: a stream may be in the middle of a write when the signal comes.
    os.write(2, b"\nStopping ...\n")
    signal.default_int_handler(number, frame)


def _code_of_command() -> int:
    from perennial.cli.app import app
    from perennial.cli.failures import Interrupted, report, unexpected, usage_error, was_interrupted
    from perennial.errors import PerennialError

    try:
        code = int(app(standalone_mode=False) or 0)
    except PerennialError as error:
        return report(error)
    except usage_error() as error:
        return report(error)
    except Exception as error:  # noqa: BLE001 - the one place where it is written down for whoever repairs it
        if not was_interrupted(error):
            return report(unexpected(error))
        code = Interrupted.exit_code
    if code == Interrupted.exit_code:  # how Typer answers Ctrl-C
        again = "Run the same command again: it continues where this one stopped."
        return report(Interrupted("interrupted: everything that was committed before is kept", fix=again))
    return code
