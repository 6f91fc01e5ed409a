"""The gate's numbers on a real year, against the same numbers computed without Perennial."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml

from perennial.ledger.entries import Decision, ModelRef
from tests.year import independent
from tests.year.independent import Found
from tests.year.replay import FACED, ROOT, Year

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

REFITTED = ("2013-05", "2013-12")
"""Months whose challenger is fitted once more here. The others' registered files are read with skops alone."""

GOLDEN: dict[str, tuple[float, tuple[float, float], tuple[float, float]]] = {
    "2013-05": (-0.008154444, (-0.071808399, 0.055499511), (-0.012027007, -0.004281881)),
    "2013-06": (0.031130199, (-0.015057032, 0.077317429), (0.027148248, 0.035112149)),
    "2013-07": (0.057051364, (-0.031612187, 0.145714914), (0.051466444, 0.062636284)),
    "2013-08": (0.006307374, (-0.049246938, 0.061861686), (0.002365398, 0.010249351)),
    "2013-09": (0.006018413, (-0.034947626, 0.046984452), (0.002999556, 0.009037269)),
    "2013-10": (0.011665569, (-0.005558099, 0.028889236), (0.009432729, 0.013898408)),
    "2013-11": (-0.013357935, (-0.045462642, 0.018746773), (-0.016102074, -0.010613795)),
    "2013-12": (0.003630288, (-0.012864725, 0.020125300), (0.001252630, 0.006007945)),
}
"""Month: the challenger's gain in log loss over the model of January to March, its interval, the row-by-row one."""

Predict = Callable[[pd.DataFrame], np.ndarray]


@pytest.fixture(scope="module")
def aside() -> set[str]:
    checks = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())["checks"]
    return set(independent.failing(checks))


@pytest.fixture(scope="module")
def champion(aside: set[str]) -> Predict:
    return independent.fitted(independent.training_rows(independent.end_of("2013-03"), aside))


@pytest.fixture(scope="module")
def alone(year: Year, aside: set[str], champion: Predict) -> dict[str, Found]:
    """Month → gain and intervals, computed here."""
    found: dict[str, Found] = {}
    for month, before in zip(FACED, (independent.end_of("2013-04"), *map(independent.end_of, FACED)), strict=False):
        rows = independent.judging_rows(before, independent.end_of(month), aside)
        if month in REFITTED:
            challenger: Predict = independent.fitted(independent.training_rows(before, aside))
        else:
            challenger = registered(year, year.decisions[month].challenger)
        found[month] = independent.compared(rows, champion(rows), challenger(rows), list(found.values()))
    return found


def registered(year: Year, model: ModelRef) -> Predict:
    """A registered model's file, read with skops and asked with scikit-learn."""
    trees = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
    trusted = [trees, "functools.partial", "sklearn.utils.validation.check_array"]
    pipeline = skops.io.load(year.model_file(model), trusted=trusted)
    as_text = dict.fromkeys(independent.TEXT, "object")
    return lambda rows: pipeline.predict_proba(rows[independent.INPUTS].astype(as_text))[:, 1]


def intervals(decision: Decision) -> Found:
    """What the ledger holds."""
    said = decision.metrics[0]
    assert said.gain is not None and said.ci_low is not None and said.ci_high is not None and said.df is not None
    assert said.day_t is not None and said.row_t is not None
    return Found(
        said.gain,
        (said.ci_low, said.ci_high),
        (said.day_t.ci_low, said.day_t.ci_high),
        (said.row_t.ci_low, said.row_t.ci_high),
        said.df,
    )


def numbers(found: Found) -> list[float]:
    return [found.gain, *found.gate, *found.day, *found.row, found.df]


def test_each_month_a_challenger_of_all_months_before_faces_the_model_of_january_to_march(year: Year) -> None:
    decisions = year.decisions
    assert tuple(decisions) == ("2013-04", *FACED)
    first = decisions["2013-04"]
    assert first.champion is None
    for month, before in zip(FACED, ("2013-04", *FACED), strict=False):
        assert decisions[month].champion == first.challenger
        assert decisions[month].outcome not in ("first", "release")
        snapshot = year.snapshot_of(decisions[month])
        assert pd.Timestamp(snapshot.as_of) == independent.end_of(before)
    assert len(year.releases) == 1


def test_the_gain_and_its_intervals_equal_an_independent_computation(year: Year, alone: dict[str, Found]) -> None:
    for month in FACED:
        told = numbers(intervals(year.decisions[month]))
        assert told == pytest.approx(numbers(alone[month]), rel=1e-9, abs=1e-9), month


def test_the_evaluation_rows_are_those_whose_label_became_known_since_the_training(year: Year, aside: set[str]) -> None:
    for month, before in zip(FACED, ("2013-04", *FACED), strict=False):
        rows = independent.judging_rows(independent.end_of(before), independent.end_of(month), aside)
        told = year.decisions[month].evaluation
        days = rows.groupby("day").size()
        assert told.rows == len(rows), month
        assert dict(zip(told.cluster_names, told.cluster_rows, strict=True)) == days.to_dict(), month


def test_a_first_model_is_held_against_the_base_rate_of_its_training_rows(
    year: Year, aside: set[str], champion: Predict
) -> None:
    march, april = independent.end_of("2013-03"), independent.end_of("2013-04")
    rows = independent.judging_rows(march, april, aside)
    base_rate = independent.training_rows(march, aside)["late"].mean()
    found = independent.compared(rows, np.full(len(rows), base_rate), champion(rows))
    first = year.decisions["2013-04"]
    assert numbers(intervals(first)) == pytest.approx(numbers(found), rel=1e-9, abs=1e-9)
    assert first.outcome == "undecided", "in April the model of winter is not proven better than the base rate"


def test_the_numbers_are_those_of_the_day_they_were_first_computed(year: Year) -> None:
    for month, (gain, gate, row) in GOLDEN.items():
        found = intervals(year.decisions[month])
        assert [found.gain, *found.gate, *found.row] == pytest.approx([gain, *gate, *row], rel=0, abs=1e-6), month
    assert tuple(GOLDEN) == FACED


def test_the_usual_row_by_row_interval_is_several_times_too_narrow(year: Year) -> None:
    lines = [
        "",
        "month    gain      the gate's interval      day t                    row by row               narrower",
    ]
    narrower = {}
    for month in FACED:
        found = intervals(year.decisions[month])
        narrower[month] = _width(found.gate) / _width(found.row)
        spans = "  ".join(f"({low:+.5f} to {high:+.5f})" for low, high in (found.gate, found.day, found.row))
        lines.append(f"{month}  {found.gain:+.5f}  {spans}  {narrower[month]:.1f} times")
    sys.stdout.write("\n".join(lines) + "\n")
    assert all(times >= 3 for times in narrower.values()), narrower


def _width(interval: tuple[float, float]) -> float:
    return interval[1] - interval[0]
