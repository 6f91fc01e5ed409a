"""A year's decisions computed again by another process: the same to the last bit."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.in_pipes import in_pipes
from tests.places import OTHERS
from tests.year.replay import FACED, Year

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def replayed(year: Year, *arguments: str) -> list[dict[str, Any]]:
    where = {"PERENNIAL_HOME": str(year.workspace.settings.home), "PERENNIAL_USECASES": "."}
    environment = {name: value for name, value in os.environ.items() if name not in OTHERS} | where
    told = in_pipes("replay", *arguments, "--json", environment=environment)
    assert told.code == 0, told.out + told.err
    found: list[dict[str, Any]] = json.loads(told.out)
    assert all(each["exact"] and each["numbers"] > 90 for each in found)
    return found


def test_every_decision_comes_out_the_same_from_the_sums(year: Year) -> None:
    assert [each["batch"] for each in replayed(year, "flights")] == ["2013-04", *FACED]
    assert year.decisions["2013-12"].metrics[0].inflation_seen_in == 7, "the later ones learn from the earlier ones"


@pytest.mark.parametrize("month", ["2013-05", "2013-12"])
def test_a_decision_comes_out_the_same_from_rows_and_models(year: Year, month: str) -> None:
    (found,) = replayed(year, year.decisions[month].id, "--deep")
    assert (found["batch"], found["deep"], found["difference"]) == (month, True, None)
