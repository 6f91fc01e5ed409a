"""Folders named by values, sheets of workbooks, and columns of Parquet that are no plain values."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.errors import InputError
from perennial.sources import open_source
from perennial.sources.config import FilesSource
from perennial.sources.parsing import Parsed, UnreadableBatch, parse
from perennial.sources.read_options import ReadOptions

TYPES: dict[str, Any] = {"order": "text", "at": "timestamp", "price": "number", "shop": "text"}


def months(path: Path, batch: str = "month", time: str = "at") -> dict[str, Parsed]:
    """The batches of a folder, typed."""
    config = FilesSource.model_validate({"kind": "files", "path": str(path), "batch": batch})
    source = open_source(config, folder=path.parent, schema_time=time, timezone="UTC")
    arrivals = {window.name: source.fetch(window) for window in source.windows()}
    return {name: parse(each.data, each.suffix, TYPES, "UTC") for name, each in arrivals.items()}


def put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def test_what_folders_are_named_by_is_a_column_of_their_files(tmp_path: Path) -> None:
    root = tmp_path / "data"
    put(root / "shop=north" / "year=2024" / "a.csv", "order,at,price\n1,2024-01-05,1.5\n2,2024-02-05,2.5\n")
    put(root / "shop=south%2C%20east" / "year=2024" / "a.csv", "order,at,price\r\n3,2024-01-06,3.5\r\n")
    put(root / "shop=__HIVE_DEFAULT_PARTITION__" / "year=2024" / "b.csv", "order,at,price\n4,2024-02-06,4.5\n")
    put(root / "_SUCCESS", "")
    found = months(root)
    assert sorted(found) == ["2024-01", "2024-02"]
    january = found["2024-01"].frame
    assert list(january["order"]) == ["1", "3"] and list(january["shop"]) == ["north", "south, east"]
    assert list(found["2024-02"].frame["shop"].isna()) == [True, False] or list(
        found["2024-02"].frame["shop"].isna()
    ) == [False, True]
    assert found["2024-01"].extra == ("year",)


def test_parquet_in_folders_by_day_is_cut_by_the_days_that_they_name(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for day in ("2024-01-31", "2024-02-01", "2024-02-02"):
        out = io.BytesIO()
        pq.write_table(pa.table({"order": [day], "price": [1.0]}), out)
        put(root / f"at={day}" / "part-0.parquet", out.getvalue())
    found = months(root)
    assert {name: list(each.frame["order"]) for name, each in found.items()} == {
        "2024-01": ["2024-01-31"],
        "2024-02": ["2024-02-01", "2024-02-02"],
    }
    with pytest.raises(InputError, match="whose files belong together\n  cut them by the time column"):
        months(root, batch="file")


def test_a_dictionary_is_read_as_its_values_and_what_is_nested_left_alone() -> None:
    out = io.BytesIO()
    pq.write_table(
        pa.table(
            {
                "order": pa.array(["a", "b", "a"]).dictionary_encode(),
                "at": pa.array(["2024-01-01", None, "2024-01-03"]).dictionary_encode(),
                "price": pa.array([1.5, 2.5, 1.5]).dictionary_encode(),
                "shop": pa.array(["x", "y", "x"]),
                "tags": pa.array([[1], [2], [3]]),
                "size": pa.array([{"x": 1}] * 3),
            }
        ),
        out,
    )
    parsed = parse(out.getvalue(), ".parquet", TYPES, "UTC")
    assert list(parsed.frame["order"]) == ["a", "b", "a"] and list(parsed.frame["price"]) == [1.5, 2.5, 1.5]
    assert list(parsed.frame["at"].isna()) == [False, True, False]
    assert parsed.extra == ("tags", "size") and not parsed.unreadable


_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
}


def cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, pd.Timestamp):
        return f'<c s="1"><v>{(value - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


def workbook(**sheets: list[list[Any]]) -> bytes:
    """An .xlsx file, written by hand: what writes them is not installed."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    targets = "".join(
        f'<Relationship Id="rId{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    parts = {
        **_PARTS,
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{relations}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships">{targets}<Relationship Id="rId99" Type="{relations}/styles" Target="styles.xml"/>'
        "</Relationships>",
    }
    for n, rows in enumerate(sheets.values(), 1):
        body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/sheet{n}.xml"] = f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


ROWS = [
    ["order ", "at", "price", "shop"],
    [1001, pd.Timestamp("2024-01-31 12:00"), 0.1, "north"],
    [1002, pd.Timestamp("2024-02-01"), 1234.5, None],
    [None, None, None, None],
    [1003, pd.Timestamp("2024-02-02"), None, "grün"],
]


def test_a_sheet_is_read_cell_by_cell(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    data = workbook(orders=ROWS)
    parsed = parse(data, ".xlsx", TYPES, "UTC")
    assert list(parsed.frame["order"]) == ["1001", "1002", "1003"]
    assert parsed.frame["at"][0] == pd.Timestamp("2024-01-31 12:00", tz="UTC")
    assert list(parsed.frame["price"].fillna(-1)) == [0.1, 1234.5, -1]
    assert list(parsed.frame["shop"].isna()) == [False, True, False] and not parsed.unreadable
    put(tmp_path / "data" / "orders.xlsx", data)
    assert {name: len(each.frame) for name, each in months(tmp_path / "data").items()} == {"2024-01": 1, "2024-02": 2}
    assert list(months(tmp_path / "data", batch="file")) == ["orders"]


def test_of_several_sheets_one_is_named() -> None:
    pytest.importorskip("python_calamine")
    data = workbook(orders=ROWS, notes=[["x"], ["hello"]])
    with pytest.raises(UnreadableBatch, match=r"2 sheets with rows \(orders, notes\)\n  write `sheet: NAME`"):
        parse(data, ".xlsx", TYPES, "UTC")
    assert len(parse(data, ".xlsx", TYPES, "UTC", read=ReadOptions(sheet="orders")).frame) == 3
    with pytest.raises(UnreadableBatch, match="no sheet 'order' with rows\n  it has orders, notes"):
        parse(data, ".xlsx", TYPES, "UTC", read=ReadOptions(sheet="order"))
    with pytest.raises(UnreadableBatch, match="no Excel workbook that can be read"):
        parse(data[:200], ".xlsx", TYPES, "UTC")


def test_mixed_cells_are_texts_of_which_the_odd_one_is_set_aside() -> None:
    pytest.importorskip("python_calamine")
    rows = [*ROWS[:3], [1003, pd.Timestamp("2024-02-02"), "n/a?", "x"]]
    parsed = parse(workbook(orders=rows), ".xlsx", TYPES, "UTC")
    assert list(parsed.frame["price"].fillna(-1)) == [0.1, 1234.5, -1]
    assert list(parsed.unreadable["price"].dropna()) == ["n/a?"]
