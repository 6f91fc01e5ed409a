"""Data Docs: pages that people can open, follow and trust."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from data_checks import docs
from data_checks.docs import write_docs
from data_checks.validation import Validation
from tests.data_checks.flight_batches import check, rows

WARM = {"expect_column_values_to_be_between": {"column": "temp", "min_value": -30, "max_value": 115}}


def month(number: int) -> datetime:
    return datetime(2013, number, 1, tzinfo=UTC)


def linked(page: Path) -> list[Path]:
    """The pages of this site that a page links to."""
    links = re.findall(r'href="([^"#:]+\.html)"', page.read_text())
    return [(page.parent / unquote(link)).resolve() for link in links]


def text(page: Path) -> str:
    bare = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", page.read_text())
    return " ".join(html.unescape(bare).split())


def files(site: Path) -> dict[str, bytes]:
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def faulty() -> Validation:
    found = rows(6, temp={1: "<script>alert(1)</script>", 3: "200"}, flight_id={2: "twin", 4: "twin"})
    raises = {"expect_column_mean_to_be_between": {"column": "carrier", "min_value": 0}}
    return check(
        found, WARM, raises, {"expect_column_values_to_match_regex": {"column": "carrier", "regex": "^U$|<b>"}}
    )


def test_the_index_links_to_a_page_that_shows_what_failed(tmp_path: Path, faulty: Validation) -> None:
    index = write_docs(tmp_path, "flights", "2013-01-1", month(2), faulty.results)
    failed = sum(not result["success"] for result in faulty.results)
    assert f"2013-01-1 2013-02-01T00:00:00Z ✗ {failed} of {len(faulty.results)} checks failed" in text(index)
    (page,) = linked(index)
    told = text(page)
    assert "No row of temp: not a number" in told
    assert "No row of flight_id: not unique in the batch" in told
    assert "values must be greater than or equal to -30.0 and less than or equal to 115.0" in told
    assert "raised an exception" in told
    assert set(linked(page)) == {index}, "the way back"


def test_what_arrived_is_shown_and_never_run(tmp_path: Path, faulty: Validation) -> None:
    (page,) = linked(write_docs(tmp_path, "flights", "2013-01-1", month(2), faulty.results))
    assert "<script>alert(1)" not in page.read_text()
    assert "<script>alert(1)</script>" in text(page)


def test_names_are_harmless_too(tmp_path: Path, faulty: Validation) -> None:
    index = write_docs(tmp_path, "flights", "<b>a</b> b/2013.csv", month(2), faulty.results)
    assert "<b>" not in index.read_text()
    (page,) = linked(index)
    assert page.exists()
    assert "<b>a" not in page.read_text()


def test_opening_a_page_contacts_only_the_public_style_servers(tmp_path: Path, faulty: Validation) -> None:
    (page,) = linked(write_docs(tmp_path, "flights", "2013-01-1", month(2), faulty.results))
    assert "amazonaws" not in page.read_text()
    assert "dataContextId" not in page.read_text()
    assert (page.parent / "../../../../static/images/logo-long.png").resolve().exists()


def test_the_same_batch_again_changes_nothing_but_a_time(tmp_path: Path, faulty: Validation) -> None:
    index = write_docs(tmp_path, "flights", "2013-01-1", month(2), faulty.results)
    first = files(tmp_path)
    assert write_docs(tmp_path, "flights", "2013-01-1", month(2), faulty.results) == index
    again = files(tmp_path)
    assert again.keys() == first.keys()
    assert again["flights/index.html"] == first["flights/index.html"]


def test_a_batch_checked_again_later_has_one_page(tmp_path: Path, faulty: Validation) -> None:
    write_docs(tmp_path, "flights", "2013-01-1", month(2), faulty.results)
    index = write_docs(tmp_path, "flights", "2013-01-1", month(3), faulty.results)
    assert len(linked(index)) == 1
    assert [page.resolve() for page in (tmp_path / "flights" / "validations").rglob("*.html")] == linked(index)


def test_only_the_newest_batches_keep_their_page(tmp_path: Path, faulty: Validation, monkeypatch: Any) -> None:
    monkeypatch.setattr(docs, "NEWEST", 2)
    for number in (3, 1, 4, 2):
        index = write_docs(tmp_path, "flights", f"2013-{number:02d}-1", month(number), faulty.results)
    assert re.findall(r"2013-\d\d-1", text(index)) == ["2013-04-1", "2013-03-1"]
    pages = sorted(page.resolve() for page in (tmp_path / "flights" / "validations").rglob("*.html"))
    assert pages == sorted(linked(index))
    empty = [folder for folder in tmp_path.rglob("*") if folder.is_dir() and not any(folder.iterdir())]
    assert empty == []


def test_two_names_that_look_alike_in_a_file_system_do_not_share_a_page(tmp_path: Path, faulty: Validation) -> None:
    write_docs(tmp_path, "flights", "a b", month(2), faulty.results)
    index = write_docs(tmp_path, "flights", "a/b", month(2), faulty.results)
    assert len(set(linked(index))) == 2


def test_long_names_in_any_script_have_a_page_each(tmp_path: Path, faulty: Validation) -> None:
    for last in ("月", "年"):
        index = write_docs(tmp_path, "flights", f"{'売上' * 40}{last}-1", month(2), faulty.results)
    assert len(set(linked(index))) == 2 and all(page.exists() for page in linked(index))


def test_pages_written_at_the_same_time_are_all_in_the_index(tmp_path: Path, faulty: Validation) -> None:
    def write(number: int) -> Path:
        return write_docs(tmp_path, "flights", f"2013-{number:02d}-1", month(number), faulty.results)

    with ThreadPoolExecutor(4) as pool:
        index = list(pool.map(write, range(1, 7)))[-1]
    assert len(linked(index)) == 6
    assert all(page.exists() for page in linked(index))


def test_a_held_batch_has_a_page_too(tmp_path: Path) -> None:
    index = write_docs(tmp_path, "flights", "2013-01-1", month(2), check([]).results)
    assert "✗ 1 of 6 checks failed" in text(index)
    assert all(page.exists() for page in linked(index))
