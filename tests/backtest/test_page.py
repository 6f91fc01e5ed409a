"""The page of a backtest, read by a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perennial.evaluation.figures import figure
from tests.backtest.conftest import IN_MONEY
from tests.browser import CHROMIUM, console_of, evaluate
from tests.cli.conftest import command
from tests.world import World

Captured = pytest.CaptureFixture[str]
SEEN = """(() => {
  const cells = [...document.querySelectorAll("table")[0].querySelectorAll("tr")].map(
    row => [...row.children].map(cell => cell.innerText.trim()));
  const charts = [...document.querySelectorAll("figure svg")].map(svg => ({
    label: svg.parentElement.getAttribute("aria-label"), wide: svg.getBoundingClientRect().width,
    marks: [...svg.querySelectorAll("path")].filter(path => path.getBoundingClientRect().width > 0).length,
    left: svg.parentElement.scrollLeft }));
  return { cells, charts, sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    words: [...document.querySelectorAll("dt")].map(word => word.textContent) };
})()"""


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: make test-all installs it")
def test_a_browser_shows_the_numbers_of_json_and_every_chart(shop: World, capsys: Captured, tmp_path: Path) -> None:
    shop.declare(evaluation=IN_MONEY)
    page = tmp_path / "page.html"
    capsys.readouterr()
    assert command("backtest", "shop", "--price", "3", "--json", "--out", str(page)) == 0, capsys.readouterr().err
    made = json.loads(capsys.readouterr().out)
    desk, phone = (evaluate(page.as_uri(), SEEN, tmp_path / str(width), width) for width in (1200, 400))
    headings, *rows = desk["cells"]
    assert rows == phone["cells"][1:]
    for life, row in zip(made["lives"], rows, strict=True):
        assert expected(life).items() <= dict(zip(headings, row, strict=True)).items()
    labels = [chart["label"].split(".")[0] for chart in desk["charts"]]
    assert labels == [
        "The gain of each life over the declared one",
        "What each life has earned by each batch over never retraining",
        "The loss of each life on each batch",
    ]
    assert all(chart["wide"] > 600 and chart["marks"] >= len(rows) for chart in desk["charts"])
    assert {"harmful", "needless", "members", "p", "share", "break-even"} <= set(desk["words"])
    assert desk["sideways"] == phone["sideways"] == 0 == phone["charts"][0]["left"], (
        "the names of the lives are in view"
    )
    assert console_of(page) == []


def expected(life: dict[str, Any]) -> dict[str, str]:
    """Some cells of a life's row, by heading."""
    earned = life["earnings"]
    return {
        "life": life["name"],
        "log_loss": figure(life["loss"]["value"]),
        "worth": f"{earned['net']['value']:,.0f}",
        "share": f"{100 * earned['share']:.0f} %",
        "break-even": "–" if earned["break_even"] is None else f"{earned['break_even']:,.4g}",
        **{name: str(life[name]) for name in ("releases", "harmful", "needless", "fits")},
    }
