"""The page: one file that shows which model is live and why, and that a browser displays as it is meant."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from perennial.ledger.entries import Decision
from perennial.release.words import decision_in_words
from tests.browser import CHROMIUM, dump_dom
from tests.cli.conftest import Perennial, payloads, write
from tests.world import World

QUESTIONS = ("Is the model fine?", "What happened last?", "What needs you?")
SMUGGLED = "<img src=x onerror=alert(1)>"


def text_of(page: str) -> str:
    """What a reader sees, without charts: tags removed, white space as one."""
    body = re.sub(r"(?s)<(style|svg|title).*?</\1>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_a_run_leaves_a_page_that_shows_which_model_is_live_and_why(settled: World, perennial: Perennial) -> None:
    left_by_the_run = settled.usecases.parent / "home" / "pages" / "shop.html"
    assert "Version 1 is live" in left_by_the_run.read_text(encoding="utf-8")
    shown = perennial("page", "shop")
    assert shown.code == 0 and shown.out.strip().endswith(str(left_by_the_run))
    seen = text_of(left_by_the_run.read_text(encoding="utf-8"))
    (decision,) = [p for p in payloads(Decision) if isinstance(p, Decision)]
    assert "Version 1 is released as the first model, on batch 2024-02" in seen
    assert " ".join(decision.reasons)[:60] in seen
    assert f"on {decision.evaluation.rows:,} rows of {decision.evaluation.clusters} days" in seen
    last_line_of_the_table = decision_in_words(decision).strip().splitlines()[-1].strip("| ").split(" | ")[-1]
    assert html.unescape(last_line_of_the_table) in seen


def test_a_held_and_a_revised_batch_are_shown(settled: World, perennial: Perennial) -> None:
    write(settled, "2024-03", settled.month("2024-03").drop(columns="price"))
    assert perennial("run", "shop").code == 3
    left_by_the_run = settled.usecases.parent / "home" / "pages" / "shop.html"
    assert "2024-03 1 held" in text_of(left_by_the_run.read_text(encoding="utf-8"))
    january = settled.month("2024-01")
    january.loc[0, "price"] += 1
    write(settled, "2024-01", january)
    assert perennial("ingest", "shop", "--batch", "2024-01").code == 0
    path = Path(json.loads(perennial("page", "shop", "--json").out)["path"])
    seen = text_of(path.read_text(encoding="utf-8"))
    assert "2024-01 1 revised" in seen and "2024-01 2 accepted" in seen
    assert "2024-03 1 held" in seen and "price" in seen


def test_a_batch_that_is_accepted_at_last_is_named_as_held_by_no_answer(settled: World, perennial: Perennial) -> None:
    whole = settled.month("2024-03")
    write(settled, "2024-03", whole.drop(columns="price"))
    assert perennial("ingest", "shop").code == 3
    page = settled.usecases.parent / "home" / "pages" / "shop.html"
    assert "What happened last? Batch 2024-03: held" in text_of(page.read_text(encoding="utf-8"))
    write(settled, "2024-03", whole)
    assert perennial("ingest", "shop", "--batch", "2024-03").code == 0
    seen = text_of(page.read_text(encoding="utf-8"))
    assert f"What happened last? Batch 2024-03: {len(whole):,} rows arrived" in seen
    assert "What needs you? Nothing" in seen and "2024-03 1 revised" in seen

    write(settled, "2024-04", settled.month("2024-04").drop(columns="weight"))
    assert perennial("ingest", "shop").code == 3
    settled.declare(features={**settled.declaration["features"], "missing_column": {"weight": "go_on"}})
    assert perennial("requeue", "shop").code == 0
    assert "What happened last? Batch 2024-04: 600 rows checked again" in text_of(page.read_text(encoding="utf-8"))


def test_what_people_answered_for_is_shown(settled: World, perennial: Perennial) -> None:
    few = settled.month("2024-03").head(5)
    settled.declare(checks=[{"expect_table_row_count_to_be_between": {"min_value": 10}}])
    write(settled, "2024-03", few)
    assert perennial("run", "shop").code == 3
    assert perennial("waive", "shop", "--batch", "2024-03", "--by", "Ada", "--reason", "the shop was shut").code == 0
    path = Path(json.loads(perennial("page", "shop", "--json").out)["path"])
    seen = text_of(path.read_text(encoding="utf-8"))
    assert "waived by Ada: table: number of rows at least 10 (the shop was shut)" in seen
    assert "warning: table: number of rows at least 10: observed 5" in seen


def test_a_place_that_cannot_be_written_is_named(settled: World, perennial: Perennial, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = perennial("page", "shop", "--out", str(tmp_path / "file" / "page.html"))
    assert shown.code == 2 and "--out:" in shown.err and "cannot be written" in shown.err


def test_a_run_whose_page_cannot_be_written_has_done_everything_else(settled: World, perennial: Perennial) -> None:
    pages = settled.usecases.parent / "home" / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    pages.write_text("")
    write(settled, "2024-03", settled.month("2024-03"))
    shown = perennial("run", "shop")
    assert shown.code == 0 and "2024-03" in shown.out
    assert "shop: the page could not be written, everything else was" in shown.out + shown.err
    assert "Traceback" not in shown.out + shown.err
    pages.unlink()
    assert perennial("page", "shop").code == 0
    assert "2024-03" in text_of((pages / "shop.html").read_text(encoding="utf-8"))


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: make test-all installs it")
def test_a_browser_shows_it_without_network_script_or_sideways_scrolling(
    settled: World, perennial: Perennial, tmp_path: Path
) -> None:
    settled.declare(description=SMUGGLED)
    page = tmp_path / "page.html"
    assert perennial("page", "shop", "--out", str(page)).code == 0
    written = page.read_text(encoding="utf-8")
    assert SMUGGLED not in written and html.escape(SMUGGLED) in written
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//|<script|@import|url\(http", written)
    dom = in_a_phone(page, tmp_path)
    assert dom["headings"] == [
        "shop",
        *QUESTIONS,
        "Batches",
        "Champion and challenger",
        "Watching",
        "Releases",
        "Decisions",
        "Data checks",
    ]
    assert dom["wide"] <= dom["window"] <= 390, "a phone does not scroll sideways"
    assert {"rows", "accepted", "log_loss", "challenger"} <= set(dom["texts"]), "scales and colours are named"
    assert dom["images"] == 0 and dom["charts"] == dom["tall"] == 3, "each chart is drawn"
    assert dom["dark"] != dom["light"], "it follows the reader's colours"
    paper = in_a_frame(written.replace("@media print", "@media all"), tmp_path, 700, colours=0)
    assert paper["paper"] == dom["light"], "paper is white in dark colours too"
    assert paper["folded"] == 0 < dom["folded"], "on paper nothing is folded"
    assert paper["cut"] == 0 and paper["wide"] <= paper["window"], "no table is cut off"
    assert paper["heads"] == paper["tables"] > 3, "a table that goes on repeats its heading"


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: make test-all installs it")
def test_the_first_page_fits_a_phone_and_leads_to_each_use_case(
    settled: World, perennial: Perennial, tmp_path: Path
) -> None:
    settled.declare(description=SMUGGLED)
    write(settled, "2024-03", settled.month("2024-03"))
    assert perennial("run", "shop").code == 0
    index = settled.usecases.parent / "home" / "pages" / "index.html"
    written = index.read_text(encoding="utf-8")
    assert SMUGGLED not in written and html.escape(SMUGGLED) in written
    (link,) = re.findall(r"href=\"([^\"]+)\"", written)
    assert (index.parent / link).is_file()
    dom = in_a_phone(index, tmp_path)
    assert dom["headings"] == ["Use cases", "shop"]
    assert dom["wide"] <= dom["window"] <= 390 and dom["dark"] != dom["light"]


def in_a_phone(page: Path, folder: Path) -> dict[str, Any]:
    """What a browser makes of the page on a screen of 390 pixels, measured in it."""
    light, dark = (in_a_frame(page.read_text(encoding="utf-8"), folder, 390, colours) for colours in (1, 0))
    return {**light, "light": light["paper"], "dark": dark["paper"]}


def in_a_frame(text: str, folder: Path, width: int, colours: int) -> dict[str, Any]:
    """A page in a frame so many pixels wide. colours: Chromium's number of the preferred scheme, 0 dark, 1 light."""
    text = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", text)
    (folder / "measured.html").write_text(text, encoding="utf-8")
    (folder / "phone.html").write_text(
        f"""<!doctype html><iframe id=phone width={width} height=3000 style="border:0" src="measured.html"></iframe>"""
        """<script>phone.onload = () => { const d = phone.contentDocument, svg = [...d.querySelectorAll("figure svg")];
          const seen = { headings: [...d.querySelectorAll("h1, h2")].map(h => h.textContent),
            wide: d.documentElement.scrollWidth, window: d.documentElement.clientWidth,
            images: d.querySelectorAll("img").length, charts: svg.length,
            tall: svg.filter(s => s.getBoundingClientRect().height > 100).length,
            texts: [...d.querySelectorAll("figure svg text")].filter(t => { const at = t.getBoundingClientRect();
              return at.left >= 0 && at.right <= 390; }).map(t => t.textContent),
            paper: getComputedStyle(d.body).backgroundColor,
            folded: [...d.querySelectorAll("details")].filter(f => f.lastElementChild.checkVisibility(
              {contentVisibilityAuto: true}) === false || !f.lastElementChild.getBoundingClientRect().height).length,
            cut: [...d.querySelectorAll("table, .scroll")].filter(t => t.scrollWidth > t.clientWidth + 1).length,
            tables: d.querySelectorAll("table").length, heads: d.querySelectorAll("table > thead").length };
          document.body.innerHTML = "<pre>" + JSON.stringify(seen) + "</pre>"; };</script>""",
        encoding="utf-8",
    )
    seen: dict[str, Any] = json.loads(
        html.unescape(re.findall(r"<pre>(.*?)</pre>", dump_dom(folder / "phone.html", colours))[0])
    )
    return seen
