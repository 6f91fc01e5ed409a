"""Folders whose files are not all written alike: `init` and a run read each right, or name the file and the option."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from perennial.cli import drafting
from perennial.errors import InputError
from perennial.sources.config import FilesSource
from perennial.sources.files import open_files
from perennial.sources.read_options import ReadOptions
from perennial.usecase.reading import load_use_case
from tests.usecase.test_everyday_files import File, dated, orders, rows_of

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def usecases(home: Path, tmp_path: Path) -> None:
    (tmp_path / "usecases").mkdir(exist_ok=True)


def folder_of(tmp_path: Path, *files: File, rows: pd.DataFrame | None = None) -> Path:
    """Orders of four months in one file for each, the first two months in the first way, the others in the second."""
    folder = tmp_path / "orders"
    folder.mkdir()
    rows = orders() if rows is None else rows
    for month in range(1, 5):
        part = rows[rows["at"].dt.month == month].reset_index(drop=True)
        file = files[0] if month < 3 else files[-1]
        (folder / f"orders_{month}{file.ending}").write_bytes(file.data(part))
    return folder


def init(folder: Path, *answers: str) -> None:
    drafting.init(str(folder), "returned", "at", ["order"], "orders", True, list(answers))


@pytest.mark.parametrize(
    ("first", "other", "option"),
    [
        (File("a"), File("b", encoding="cp1252"), "encoding"),
        (File("a"), File("b", encoding="utf-16"), "encoding"),
        (File("a", encoding="cp1252"), File("b"), "encoding"),
        (File("a"), File("b", separator=";"), "delimiter"),
        (File("a"), File("b", quote="'"), "quote"),
        (File("a"), File("b", above="Report\n\n"), "skip_lines"),
        (File("a", above="# x\n"), File("b", above="// y\n"), "comment"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_later_file_in_another_format_is_named_with_the_option(
    first: File, other: File, option: str, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, first, other)
    with pytest.raises(InputError, match=f"orders_3.csv: its {option} is") as caught:
        init(folder)
    assert caught.value.field == f"read.{option}"
    assert caught.value.fix.startswith("Write the files alike")


def test_letters_that_only_a_later_file_has_show_its_encoding(tmp_path: Path, capsys: Captured) -> None:
    rows = orders()
    rows["carrier"] = rows["carrier"].mask(rows["at"].dt.month < 3, "dhl")
    folder = folder_of(tmp_path, File("a", encoding="ascii"), File("b", encoding="cp1252"), rows=rows)
    init(folder)
    capsys.readouterr()
    case = load_use_case("orders", tmp_path / "usecases")
    assert case.declaration.source.read == ReadOptions(encoding="cp1252")  # type: ignore[union-attr]
    assert list(rows_of(case)["carrier"]) == list(rows["carrier"])


def test_comments_and_packing_may_differ_from_file_to_file(tmp_path: Path, capsys: Captured) -> None:
    import gzip

    folder = folder_of(tmp_path, File("a"), File("b", above="# Ada\n", packed=gzip.compress, ending=".csv.gz"))
    init(folder)
    assert "comment" in capsys.readouterr().out
    assert len(rows_of(load_use_case("orders", tmp_path / "usecases"))) == len(orders())


def test_a_later_file_proves_the_order_of_dates_for_all(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    rows = orders()
    early = rows[rows["at"].dt.day <= 12].reset_index(drop=True)
    late = rows[rows["at"].dt.day > 12].reset_index(drop=True)
    file = File("a", at=dated("%d/%m/%Y %H:%M"))
    (folder / "1.csv").write_bytes(file.data(early))
    (folder / "2.csv").write_bytes(file.data(late))
    init(folder)
    guesses = {each["field"]: each["value"] for each in json.loads(capsys.readouterr().out)["guesses"]}
    assert guesses["read.day_first"] is True


def test_two_orders_of_dates_in_one_folder_are_asked_about(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, File("a", at=dated("%d/%m/%Y %H:%M")), File("b", at=dated("%m/%d/%Y %H:%M")))
    with pytest.raises(InputError, match="time"):
        init(folder)


@pytest.mark.parametrize(
    ("dates", "question"),
    [
        (["03/04/24", "05/06/24"], "answer with --read day_first=false or --read day_first=true"),
        (["13/04/45", "15/06/45"], "answer with --read short_years=1930 or --read short_years=1970"),
    ],
)
def test_two_digits_with_two_readings_are_asked_about(dates: list[str], question: str, tmp_path: Path) -> None:
    rows = orders()
    texts = [dates[row % len(dates)] for row in range(len(rows))]
    (tmp_path / "orders.csv").write_bytes(_with_dates(rows, texts))
    with pytest.raises(InputError, match=question):
        init(tmp_path / "orders.csv")


def _with_dates(rows: pd.DataFrame, texts: list[str]) -> bytes:
    return File("a", at=lambda at: texts[int(rows.index[rows["at"] == at][0])]).data(rows)


def test_a_later_file_with_another_delimiter_is_refused_by_a_run_too(tmp_path: Path) -> None:
    folder_of(tmp_path, File("a", separator=";"), File("b"))
    config = FilesSource(kind="files", path="orders", batch="month", read=ReadOptions(delimiter=";"))
    source = open_files(config, folder=tmp_path, schema_time="at", timezone="UTC")
    with pytest.raises(InputError, match=r"orders_3.csv: the header has no ';'"):
        source.windows()


def test_delimiters_that_the_headers_show_may_differ(tmp_path: Path) -> None:
    folder_of(tmp_path, File("a", separator=";"), File("b"))
    config = FilesSource(kind="files", path="orders", batch="month")
    source = open_files(config, folder=tmp_path, schema_time="at", timezone="UTC")
    assert [window.name for window in source.windows()] == ["2024-01", "2024-02", "2024-03", "2024-04"]


def test_undeclared_titles_are_refused_with_their_option(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(File("a", above="Report of Monday\n\n").data(orders()))
    config = FilesSource(kind="files", path="orders.csv", batch="month")
    source = open_files(config, folder=tmp_path, schema_time="at", timezone="UTC")
    with pytest.raises(InputError, match="skip_lines"):
        source.windows()


def test_an_old_workbook_is_named_wherever_it_lies(tmp_path: Path) -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.xls").write_bytes(old)
    for path in (tmp_path / "data", tmp_path / "data" / "orders.xls"):
        with pytest.raises(InputError, match=r"an Excel workbook \(\.xls\)") as caught:
            init(path)
        assert caught.value.fix == "save it as .xlsx, or the sheet as CSV (UTF-8)"
    (tmp_path / "page.xls").write_bytes(b"<html><table>")
    with pytest.raises(InputError, match="a web page"):
        init(tmp_path / "page.xls")


def test_latin_1_never_hides_letters_of_cp1252(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(File("a").text(orders()).replace("müller", "5 €").encode("cp1252"))
    config = FilesSource(kind="files", path="orders.csv", batch="month", read=ReadOptions(encoding="latin-1"))
    source = open_files(config, folder=tmp_path, schema_time="at", timezone="UTC")
    with pytest.raises(InputError, match="in cp1252 it is '€'"):
        source.windows()
