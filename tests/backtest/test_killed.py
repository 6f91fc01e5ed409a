"""`perennial backtest`, killed in the middle and run again."""

from __future__ import annotations

import json
import shutil
import signal
from typing import Any

import pytest

from tests.cli.conftest import command
from tests.crashes.processes import LONG, Place, exit_code
from tests.serving.running_service import wait_for
from tests.world import World

Captured = pytest.CaptureFixture[str]
ASKED = ("backtest", "shop", "--windows", "expanding,batches 2", "--evaluate", "next_batch,newest", "--json")


def table(capsys: Captured) -> dict[str, Any]:
    capsys.readouterr()
    assert command(*ASKED) == 0, capsys.readouterr().err
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    return made


@pytest.mark.long
def test_a_killed_backtest_goes_on_to_the_same_table(shop: World, capsys: Captured) -> None:
    home = shop.usecases.parent / "home"
    folder = home / "backtests" / "shop"
    for kept in (2, 6):
        process = Place(home, shop.usecases).start(*ASKED)
        wait_for(lambda kept=kept: len(list(folder.glob("*.npz"))) >= kept)
        process.kill()
        assert exit_code(process, LONG) == -signal.SIGKILL
    resumed = table(capsys)
    assert resumed["kept"] >= 6 and resumed["fits"] > 0, "what was fitted before the kills was not fitted again"
    shutil.rmtree(folder)
    whole = table(capsys)
    assert whole["fits"] == resumed["fits"] + resumed["kept"]
    assert {**resumed, **TIMES} == {**whole, **TIMES}


TIMES: dict[str, Any] = dict.fromkeys(("fits", "kept", "fit_seconds", "seconds"))
"""What differs between runs."""
