"""All 336,776 flights are accounted for: accepted, or set aside by the declaration's own words."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml

from tests.year import independent
from tests.year.replay import MONTHS, ROOT, Year

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

FLIGHTS = 336_776


@pytest.fixture(scope="module")
def failing() -> dict[str, set[str]]:
    return independent.failing(yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())["checks"])


def test_every_flight_of_the_year_arrived_and_was_accepted_or_set_aside(year: Year) -> None:
    batches = year.batches
    assert tuple(batches) == MONTHS
    assert sum(batch.rows.arrived for batch in batches.values()) == FLIGHTS
    of_month = independent.flights().groupby("month").size()
    for month, batch in batches.items():
        assert batch.status == "accepted", batch.held_because
        assert batch.rows.arrived == of_month[month]
        assert batch.rows.accepted + batch.rows.quarantined == batch.rows.arrived


def test_the_tables_hold_each_flight_once(year: Year, failing: dict[str, set[str]]) -> None:
    found: list[str] = []
    for batch in year.batches.values():
        accepted = year.table("accepted", batch.batch)["flight_id"]
        assert len(accepted) == batch.rows.accepted
        found += accepted.tolist()
    assert len(set(found)) == len(found)
    assert set(found) == set(independent.flights()["flight_id"]) - set(failing)


def test_the_flights_set_aside_are_exactly_those_that_a_check_names(year: Year, failing: dict[str, set[str]]) -> None:
    original = independent.texts().set_index("flight_id")
    found: dict[str, set[str]] = {}
    for batch in year.batches.values():
        rows = year.table("quarantine", batch.batch)
        assert len(rows) == batch.rows.quarantined
        reasons = [reason for row in rows["__perennial_reasons"] for reason in json.loads(row)]
        assert {r.reason: r.rows for r in batch.quarantine} == pd.Series(reasons, dtype="str").value_counts().to_dict()
        for reasons_of_row, raw in zip(rows["__perennial_reasons"], rows["__perennial_raw"], strict=True):
            told = json.loads(raw)
            found[told["flight_id"]] = {reason.split(":")[0] for reason in json.loads(reasons_of_row)}
            assert_as_it_arrived(told, original.loc[told["flight_id"]])
    assert found == failing
    assert failing, "the year has at least the tail number D942DN"


def assert_as_it_arrived(told: dict[str, str | None], original: pd.Series) -> None:
    for column, text in told.items():
        if column not in original.index:
            continue  # the key itself, and the target that the source makes
        arrived = original[column]
        if text is None:
            assert pd.isna(arrived), column
        elif column == "time_hour":
            assert pd.Timestamp(text) == pd.Timestamp(arrived)
        elif text != arrived:
            assert float(text) == float(arrived), column


def test_flights_that_never_arrived_are_accepted_counted_and_learnt_from_by_nobody(
    year: Year, failing: dict[str, set[str]]
) -> None:
    flights = independent.flights()
    cancelled = flights[flights["late"].isna()]
    assert len(cancelled) == 9430
    counted = {month: batch.rows.unlabelled for month, batch in year.batches.items()}
    left = cancelled[~cancelled["flight_id"].isin(failing)]
    assert counted == left.groupby("month").size().to_dict()
    for decision in year.decisions.values():
        snapshot = year.snapshot_of(decision)
        known = independent.training_rows(pd.Timestamp(snapshot.as_of), set(failing))
        assert snapshot.rows == len(known), snapshot.as_of
        judging = independent.judging_rows(pd.Timestamp(snapshot.as_of), pd.Timestamp(decision.as_of), set(failing))
        assert decision.evaluation.rows == len(judging)
        assert decision.evaluation.labelled_share < 1, "cancelled flights count among the rows eligible for evaluation"
