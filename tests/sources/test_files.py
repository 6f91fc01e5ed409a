"""Folders of files as people keep them: whole or cut by time, in order or not."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennial.errors import InputError
from perennial.sources import open_source
from perennial.sources.config import FilesSource
from perennial.sources.delimited import text_table
from perennial.sources.files import WholeFiles
from perennial.sources.parsing import parse
from perennial.sources.paths import files_in
from perennial.sources.window import Window

from .conftest import Open, Put

SHARED = Path(__file__).parents[3] / "shared" / "data"


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def names(windows: list[Window]) -> list[str]:
    return [window.name for window in windows]


def test_each_file_is_a_batch_with_its_bytes_untouched(put: Put, source: Open) -> None:
    put("b.csv", "x;at\r\n1,5;never\r\n")
    put("a.PARQUET", parquet(pa.table({"x": [1]})))
    put(".b.csv.part.csv", "half")
    put("notes.txt", "no data")
    files = source("file")
    assert files.windows() == [Window(None, None, "a"), Window(None, None, "b")]
    arrival = files.fetch(Window(None, None, "b"))
    assert (arrival.data, arrival.suffix) == (b"x;at\r\n1,5;never\r\n", ".csv")
    assert files.fetch(Window(None, None, "a")).suffix == ".parquet"


def test_a_file_is_looked_for_without_listing_its_folder_again(
    put: Put, source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a.csv", "x\n1\n")
    put("b.csv", "x\n2\n")
    listings: list[Path] = []
    scandir = os.scandir

    def listed(path: Path) -> Iterator[os.DirEntry[str]]:
        listings.append(path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", listed)
    files = source("file")
    assert isinstance(files, WholeFiles) and names(files.windows()) == ["a", "b"]
    assert files.fetch(files.window("b")).data == source("file").fetch(Window(None, None, "b")).data == b"x\n2\n"
    assert len(listings) == 1
    renamed = put("b.csv", "x\n2\n").rename(files.path / "b.tsv")
    assert files.fetch(files.window("b")).content == renamed
    put("c.csv", "x\n3\n")
    assert files.window("c").name == "c", "it came after the folder was listed"
    renamed.unlink()
    with pytest.raises(InputError, match="no batch 'b'"):
        files.window("b")


def test_one_file_is_a_source_too(put: Put, source: Open) -> None:
    put("orders.csv", "at,x\n2013-01-05,1\n")
    assert names(source("file", "data/orders.csv").windows()) == ["orders"]
    assert names(source("month", "data/orders.csv").windows()) == ["2013-01"]


def test_files_are_cut_by_local_months_and_no_value_is_altered(put: Put, source: Open) -> None:
    put("1.csv", 'at,x,note\n2013-01-31T22:59:00Z,007,"a ""b"", c"\n2013-01-31T23:00:00Z,1.50,NA\n')
    put("2.csv", 'at,x,note\n2013-03-01,abc,"NA"\n2013-01-02,,"two\nlines"')
    months = source("month")
    windows = months.windows()
    assert names(windows) == ["2013-01", "2013-02", "2013-03"]
    assert windows[1].start == datetime(2013, 1, 31, 23, tzinfo=UTC)
    assert months.fetch(windows[0]).data == (
        b'at,x,note\n2013-01-31T22:59:00Z,007,"a ""b"", c"\n2013-01-02,,"two\nlines"\n'
    )
    assert months.fetch(windows[1]).data == b"at,x,note\n2013-01-31T23:00:00Z,1.50,NA\n"
    assert months.fetch(windows[2]).data == b'at,x,note\n2013-03-01,abc,"NA"\n'


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ("year", ["2012", "2012", "2013"]),
        ("week", ["2012-W52", "2013-W01", "2013-W01"]),
        ("day", ["2012-12-30", "2012-12-31", "2013-01-01"]),
        ("hour", ["2012-12-30T11", "2012-12-31T11", "2013-01-01T11"]),
    ],
)
def test_years_weeks_days_and_hours(put: Put, source: Open, batch: str, expected: list[str]) -> None:
    put("1.csv", "at\n" + "".join(f"{day} 12:00\n" for day in ("2012-12-30", "2012-12-31", "2013-01-01")))
    assert names(source(batch).windows()) == sorted(set(expected))


@pytest.mark.parametrize("batch", ["month", "week", "day", "hour"])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(hours=st.lists(st.integers(0, 24 * 400), min_size=1, max_size=40))
def test_every_row_comes_in_exactly_one_window_that_it_lies_in(
    put: Put, source: Open, batch: str, hours: list[int]
) -> None:
    times = [pd.Timestamp("2013-01-01T00:30Z") + pd.Timedelta(hours=hour) for hour in hours]
    put("1.csv", "at,n\n" + "".join(f"{when.isoformat()},{n}\n" for n, when in enumerate(times)))
    cut = source(batch)
    found = []
    for window in cut.windows():
        rows = parse(cut.fetch(window).data, ".csv", {"at": "timestamp", "n": "integer"}, "UTC").frame
        assert ((rows["at"] >= window.start) & (rows["at"] < window.end)).all()
        assert len(rows) > 0
        found += list(rows["n"])
    assert sorted(found) == list(range(len(times)))


def test_a_row_that_arrives_late_changes_its_window_and_no_other(put: Put, source: Open) -> None:
    put("1.csv", "at,x\n2013-01-05,1\n2013-02-05,1\n")
    months = source("month")
    january, february = (months.fetch(window).data for window in months.windows())
    put("2.csv", "at,x\n2013-01-06,2\n")
    again = [months.fetch(window).data for window in months.windows()]
    assert again == [january + b"2013-01-06,2\n", february]


def test_parquet_is_cut_with_its_types(put: Put, source: Open) -> None:
    first = pa.table({"at": [datetime(2013, 1, 5), datetime(2013, 2, 5)], "x": [1, 2]})
    second = pa.table({"x": [None, 2.5], "at": [datetime(2013, 2, 6), datetime(2013, 3, 6)]})
    put("1.parquet", parquet(first))
    put("2.parquet", parquet(second))
    months = source("month")
    february = months.fetch(months.windows()[1])
    assert february.suffix == ".parquet"
    rows = pq.read_table(io.BytesIO(february.data))
    assert rows.column_names == ["at", "x"]
    assert rows["x"].to_pylist() == [2, None]
    assert months.fetch(months.windows()[1]).data == february.data


def test_rows_without_a_readable_time_are_reported_with_the_fix(put: Put, source: Open) -> None:
    put("1.csv", "at,x\n2013-01-05,1\nyesterday,2\n,3\n")
    with pytest.raises(
        InputError,
        match=r"1\.csv: 2 of 3 rows have no readable time in 'at'; the first is 'yesterday'\n.*`batch: file`",
    ):
        source("month").windows()
    assert source("file").fetch(Window(None, None, "1")).data.count(b"\n") == 4


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_one_row_in_a_hundred_without_a_time_goes_with_the_row_before_it(put: Put, source: Open, format: str) -> None:
    days = [f"2013-0{1 + n // 60}-{1 + n % 28:02}" for n in range(120)]
    at = [*days, "TOTAL"]
    if format == "csv":
        put("1.csv", "at,x\n" + "".join(f"{day},{n}\n" for n, day in enumerate(at)))
    else:
        put("1.parquet", parquet(pa.table({"at": at, "x": list(range(121))})))
    months = source("month")
    january, february = (months.fetch(window).data for window in months.windows())
    rows = text_table(february, nulls=True) if format == "csv" else pq.read_table(io.BytesIO(february))
    assert rows["at"].to_pylist()[-1] == "TOTAL" and len(rows) == 61
    assert b"TOTAL" not in january


@pytest.mark.parametrize(
    ("written", "unit"), [("1704067200", "seconds"), ("1704067200000", "milliseconds"), ("20x", None)]
)
def test_a_number_that_may_be_a_time_is_reported_with_its_unit(
    put: Put, source: Open, written: str, unit: str | None
) -> None:
    put("1.csv", f"at,x\n{written},1\n")
    with pytest.raises(InputError, match=f"the first is '{written}'") as caught:
        source("month").windows()
    assert (f"may be {unit} since 1970" in str(caught.value)) == (unit is not None)


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ({}, "no .csv and no .parquet file"),
        ({"a.csv": ""}, "a.csv: the file is empty"),
        ({"a.parquet": parquet(pa.table({"at": ["2013"]}))[:40]}, "a.parquet: cannot be read as Parquet"),
        ({"a.csv": "at,x\n2013,caf\xe9\n".encode("latin-1")}, "a.csv: line 2 is not UTF-8"),
        ({"a.csv": "when,x\n2013,1\n"}, "a.csv: there is no time column 'at'\n  it has when, x"),
        (
            {"a.csv": "at,x\n2013,1\n", "b.csv": "at,y\n2013,1\n"},
            "b.csv: other columns than a.csv, .*: it has 'y' and lacks 'x'",
        ),
        (
            {"a.csv": "at,x\n2013,1\n", "b.csv": "at;x;y\n2013;1;2\n"},
            "b.csv: other columns than a.csv, .*: it has 'y'; its delimiter is ';', that of a.csv is ','",
        ),
        (
            {"a.csv": "at,x\n2013,1\n", "b.csv": "at,x\n2013,caf\xe9\n".encode("latin-1")},
            "b.csv: line 2 is not UTF-8 .*\n.*\n  source.read applies to all files, and a.csv was read with it",
        ),
        ({"a.csv": "at,x\n2013,1\n", "b.parquet": parquet(pa.table({"at": ["2013"]}))}, "CSV and Parquet .* together"),
        ({"a.csv": 'at,x\n2013,5" pipe\n2014,1\n'}, "a.csv: its 1 lines are not its 2 rows"),
        (
            {
                "a.parquet": parquet(pa.table({"at": ["2013"], "x": [1]})),
                "b.parquet": parquet(pa.table({"at": ["2013"], "x": ["1"]})),
            },
            "a.parquet, b.parquet: columns of one name have other types",
        ),
    ],
)
def test_what_cannot_be_cut_names_the_file_and_the_reason(
    put: Put, source: Open, tmp_path: Path, files: dict[str, str | bytes], shown: str
) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        put(name, content)
    with pytest.raises(InputError, match=shown):
        [source("month").fetch(window) for window in source("month").windows()]


def test_a_header_that_changes_between_months_is_no_matter(put: Put, source: Open) -> None:
    put("1.csv", "at,x\n2013-01-05,1\n")
    put("2.csv", "at;x;new\n2013-02-05;1;2\n")
    months = source("month")
    assert [months.fetch(window).data for window in months.windows()] == [
        b"at,x\n2013-01-05,1\n",
        b"at;x;new\n2013-02-05;1;2\n",
    ]


def test_a_file_of_a_header_alone_gives_no_window(put: Put, source: Open) -> None:
    put("1.csv", "at,x\n")
    assert source("month").windows() == []
    put("2.csv", "\ufeffat,x\n\n2013-01-05,1\n\n")
    months = source("month")
    assert months.fetch(months.windows()[0]).data == b"at,x\n2013-01-05,1\n"


def test_a_path_that_is_not_there_is_reported(put: Put, source: Open) -> None:
    with pytest.raises(InputError, match=r"source\.path: there is no .*missing"):
        source("file", "missing").windows()
    put("data.json", b"{}")
    with pytest.raises(InputError, match=r"neither \.csv nor \.parquet"):
        source("file", "data/data.json").windows()


def test_two_files_of_one_stem_are_refused(put: Put, source: Open) -> None:
    put("a.csv", "at\n")
    put("a.parquet", b"")
    with pytest.raises(InputError, match=r"a\.csv is there too"):
        source("file").windows()


@pytest.mark.parametrize("batch", ["file", "month"])
def test_a_window_that_is_not_there_is_answered_with_the_known_ones(put: Put, source: Open, batch: str) -> None:
    put("1.csv", "at,x\n2013-01-05,1\n")
    with pytest.raises(InputError, match=r"no batch '2014-01' in .*\n  windows go from"):
        source(batch).fetch(Window(None, None, "2014-01"))


def test_an_hour_that_the_clocks_skip_asks_for_the_zone(put: Put, source: Open) -> None:
    put("1.csv", "at,x\n2013-03-31 01:00,1\n2013-03-31 02:00,1\n")
    with pytest.raises(InputError, match=r"an hour that the clocks of Europe/Berlin skip\n  is the data in UTC\?"):
        source("month").windows()
    assert names(source("month", timezone="UTC").windows()) == ["2013-03"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the data beside the demo is not here")
@pytest.mark.parametrize(
    ("file", "time", "windows", "rows"),
    [("census_employment_ma.parquet", "year", 4, 277_677), ("bikeshare_hourly.parquet", "ts", 109, 78_421)],
)
def test_real_files_add_up(file: str, time: str, windows: int, rows: int) -> None:
    config = FilesSource.model_validate({"kind": "files", "path": file, "batch": "month"})
    cut = open_source(config, folder=SHARED, schema_time=time, timezone="UTC")
    found = cut.windows()
    assert len(found) == windows
    assert sum(pq.ParquetFile(io.BytesIO(cut.fetch(window).data)).metadata.num_rows for window in found) == rows


def test_files_are_counted_as_people_count(tmp_path: Path) -> None:
    for name in ("month_1", "month_10", "month_2", "2024-01", "2023-12"):
        (tmp_path / f"{name}.csv").write_text("a\n1\n")
    found = [path.stem for path in files_in(tmp_path)]
    assert found == ["2023-12", "2024-01", "month_1", "month_2", "month_10"]
