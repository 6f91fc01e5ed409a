"""Ctrl-C stops a command with a few words, and the same command continues where it stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import weakref
from threading import Event

import pytest

from perennial.cli.lost_interrupts import lost_interrupts_sent_again
from perennial.ledger.entries import Cycle
from tests.cli.conftest import Perennial, ledger_rows, payloads, write
from tests.world import World


@pytest.mark.slow
def test_ctrl_c_is_answered_with_the_way_to_continue(settled: World, perennial: Perennial) -> None:
    for month in ("2024-03", "2024-04", "2024-05"):
        write(settled, month, settled.month(month))
    command = [sys.executable, "-m", "perennial.cli", "backfill", "shop"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("2024-03"):
            assert process.poll() is None, "it ended before it was stopped"
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate()
    assert process.returncode == 130, shown
    assert "interrupted: everything that was committed before is kept" in shown
    assert "Run the same command again" in shown and "Traceback" not in shown
    done = len(payloads(Cycle))
    assert 3 <= done < 5
    assert perennial("backfill", "shop").code == 0
    assert len(payloads(Cycle)) == 5 and ledger_rows()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_comes_while_an_object_ends_is_not_lost(number: signal.Signals) -> None:
    """As SQLAlchemy's pool has them: Python drops what is raised in the callback of a weak reference."""
    from prefect.exceptions import TerminationSignal

    raised = KeyboardInterrupt if number is signal.SIGINT else TerminationSignal

    def stop(*_: object) -> None:
        raise raised(number)

    class Connection:
        pass

    former = signal.signal(number, stop)
    try:
        connection = Connection()
        reference = weakref.ref(connection, lambda _: signal.raise_signal(number))
        with lost_interrupts_sent_again(), pytest.raises(raised):
            del connection
            Event().wait(60)
        assert reference() is None
    finally:
        signal.signal(number, former)
