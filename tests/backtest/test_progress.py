"""How far the fits of a backtest are, where no terminal shows a bar."""

from __future__ import annotations

import pytest

from perennial.backtest.fits import Progress
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
