"""Rows with a period of validity are asked about, and both answers lead on; months of the year need two years."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perennial.cli import drafting
from perennial.errors import InputError
from perennial.usecase.reading import load_use_case

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def usecases(home: Path, tmp_path: Path) -> None:
    (tmp_path / "usecases").mkdir(exist_ok=True)


def versions(begin: str, end: str, last: str) -> pd.DataFrame:
    """Contracts of 100 customers, five versions each; the last one has no end yet."""
    draw = np.random.default_rng(3)
    days = np.cumsum(draw.integers(20, 60, (100, 6)), axis=1)
    dates = np.datetime_as_string(np.datetime64("2023-01-01") + days, unit="D")
    dates[:, 5] = last
    return pd.DataFrame(
        {
            "customer": np.repeat([f"C{n}" for n in range(100)], 5),
            begin: dates[:, :5].ravel(),
            end: dates[:, 1:].ravel(),
            "price": draw.normal(50, 10, 500).round(2),
            "left": draw.choice([0, 1], 500),
        }
    )


def init(data: Path, capsys: Captured, time: str | None = None, *key: str) -> dict[str, object]:
    drafting.init(str(data), "left", time, list(key), "contracts", True, [])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("last", ["9999-12-31", ""])
@pytest.mark.parametrize(
    ("begin", "end"), [("valid_from", "valid_to"), ("effective_date", "expiry_date"), ("gueltig_von", "gueltig_bis")]
)
def test_periods_of_validity_are_asked_about_and_the_answer_works(
    begin: str, end: str, last: str, tmp_path: Path, capsys: Captured
) -> None:
    data = tmp_path / "contracts.csv"
    versions(begin, end, last).to_csv(data, index=False)
    with pytest.raises(InputError, match=f"answer with --time {begin}") as caught:
        init(data, capsys)
    assert "join them at the source, each event with the version valid at its time" in str(caught.value)
    drafted = init(data, capsys, begin)
    assert {"column": end, "why": f"it ends the period that begins with {begin}, so it is known only later"} in drafted[
        "left_out"
    ]  # type: ignore[operator]
    declaration = load_use_case("contracts", tmp_path / "usecases").declaration
    assert declaration.schema_.time == begin
    assert set(declaration.schema_.key) == {"customer", begin}
    assert not any(end in name for name in (*declaration.features.columns, *declaration.features.derived))


def test_the_other_answer_works_too(tmp_path: Path, capsys: Captured) -> None:
    """Events joined with the version that was valid at their time."""
    rows = versions("valid_from", "valid_to", "9999-12-31")
    rows["at"] = pd.to_datetime(rows["valid_from"]) + pd.to_timedelta(np.arange(500) % 17, unit="D")
    data = tmp_path / "contracts.csv"
    rows.to_csv(data, index=False)
    drafted = init(data, capsys, "at", "customer", "at")
    assert any(each["column"] == "valid_to" for each in drafted["left_out"])  # type: ignore[attr-defined]
    derived = load_use_case("contracts", tmp_path / "usecases").declaration.features.derived
    assert "days_since:valid_from" in derived and "days_since:valid_to" not in derived


def test_a_start_and_an_end_are_asked_about_as_a_period(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "contracts.csv"
    versions("started_at", "ended_at", "2024-12-31").to_csv(data, index=False)
    with pytest.raises(InputError, match="'started_at' and 'ended_at' are a period: answer with --time started_at"):
        init(data, capsys)


@pytest.mark.parametrize(("days", "derived", "asked"), [(300, False, False), (400, False, True), (760, True, False)])
def test_the_month_of_the_year_is_offered_where_years_show_it(
    days: int, derived: bool, asked: bool, tmp_path: Path, capsys: Captured
) -> None:
    draw = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "customer": [f"C{n}" for n in range(1500)],
            "at": (pd.Timestamp("2022-01-01") + pd.to_timedelta(np.linspace(0, days, 1500), unit="D")).strftime(
                "%Y-%m-%dT%H:%M:%S"
            ),
            "price": draw.normal(50, 10, 1500).round(2),
            "left": draw.choice([0, 1], 1500),
        }
    )
    rows.to_csv(tmp_path / "contracts.csv", index=False)
    drafted = init(tmp_path / "contracts.csv", capsys)
    questions = [each["question"] for each in drafted["questions"]]  # type: ignore[attr-defined]
    case = load_use_case("contracts", tmp_path / "usecases")
    assert ("month_of:at" in case.declaration.features.derived) is derived
    assert any("`month_of:at` under derived" in question for question in questions) is asked
