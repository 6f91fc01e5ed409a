"""How far the fits of a backtest are, where no terminal shows a bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perennial.backtest.fits import Fits, Progress
from perennial.backtest.stream import Model
from perennial.cli.backtesting import fitting

Captured = pytest.CaptureFixture[str]


def lines(capsys: Captured, *reports: Progress) -> list[str]:
    capsys.readouterr()
    with fitting() as report:
        for each in reports:
            report(each)
    return capsys.readouterr().err.splitlines()


def test_one_line_for_each_quarter(capsys: Captured) -> None:
    slow = [Progress(done, 8, 10.0 * done, 80 - 10.0 * done) for done in range(1, 9)]
    assert lines(capsys, *slow) == [
        "2 of 8 fits after 20 s, about 60 s left",
        "4 of 8 fits after 40 s, about 40 s left",
        "6 of 8 fits after 60 s, about 20 s left",
        "8 of 8 fits after 80 s",
    ]


def test_what_takes_no_time_is_not_shown(capsys: Captured) -> None:
    assert lines(capsys, *(Progress(done, 8, 0.1, None) for done in range(1, 9))) == [], "all were kept"
    assert lines(capsys, *(Progress(done, 8, 0.1, 0.1) for done in range(1, 9))) == ["8 of 8 fits after 0 s"]


def test_the_fits_of_two_calls_are_one_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing: Any = None
    fits = Fits(nothing, nothing, nothing, tmp_path, np.zeros(4, dtype=np.int64))

    def fitted(self: Fits, _: Model) -> None:
        self.fitted += 1

    monkeypatch.setattr(Fits, "_predicted", fitted)
    seen: list[Progress] = []
    fits.fit_all([Model("all", t) for t in range(4)], seen.append, to_come=2)
    fits.fit_all([Model("all", t, without_newest=True) for t in range(2)], seen.append)
    assert [(each.done, each.of) for each in seen] == [(done, 6) for done in range(1, 7)]
