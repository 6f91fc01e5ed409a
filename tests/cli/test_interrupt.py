"""Ctrl-C stops a command with a few words, and the same command continues where it stopped."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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
