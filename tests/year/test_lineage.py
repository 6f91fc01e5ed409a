"""The lineage of predictions of each month of the year, both ways, beside one that is computed from the raw tables."""

from __future__ import annotations

import pytest

from perennial.lineage.graph import Ref
from perennial.lineage.named import find
from tests.lineage.by_hand import raw
from tests.year.replay import Year

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def test_predictions_of_each_month_came_from_what_the_raw_tables_give(year: Year) -> None:
    workspace = year.workspace
    by_hand = raw(workspace.settings.home, "flights", key="flight_id", time="time_hour", target="late", delay="24h")
    declaration = workspace.declared("flights").declaration
    some = by_hand.predictions.groupby("__perennial_batch").sample(2, random_state=0)
    for prediction in some.to_dict("records"):
        key = prediction["flight_id"]
        named = find(workspace, declaration, f"{prediction['__perennial_batch']}#{key}")
        up, down = named.graph.up(named.ref), named.graph.down(Ref("key", key))
        assert {str(node.ref) for node in up.nodes} == by_hand.up(prediction)
        assert {str(node.ref) for node in down.nodes} == by_hand.down(key)
