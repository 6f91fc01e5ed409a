"""`perennial lineage`: both ways, equal to what the raw tables give; names; what is folded."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.errors import InputError
from perennial.lineage.named import Named, find
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.lineage.by_hand import Raw, raw
from tests.places import lead_to
from tests.training.stores import take_in
from tests.world import World


def named(shop: Workspace, given: str) -> Named:
    """What an id names."""
    return find(shop, shop.declared("shop").declaration, given)


def names(asked: Named, *, upwards: bool) -> set[str]:
    """One side of it."""
    part = asked.graph.up(asked.ref) if upwards else asked.graph.down(asked.ref)
    return {str(node.ref) for node in part.nodes}


@pytest.fixture(scope="module")
def by_hand(lived: Path) -> Raw:
    return raw(lived / "home", "shop", key="order", time="at", target="returned", delay="24h")


def test_predictions_and_their_rows_equal_the_raw_tables_both_ways(shop: Workspace, by_hand: Raw) -> None:
    for prediction in by_hand.predictions.sample(8, random_state=0).to_dict("records"):
        asked = named(shop, f"{prediction['__perennial_batch']}#{prediction['order']}")
        assert names(asked, upwards=True) == by_hand.up(prediction)
        assert names(asked, upwards=False) == set()
        row = named(shop, f"key:{prediction['order']}")
        assert names(row, upwards=False) == by_hand.down(prediction["order"])


def test_what_an_id_can_be_and_what_it_cannot(shop: Workspace) -> None:
    batch = named(shop, "2024-04")
    assert str(batch.ref) == "batch:2024-04/1"
    assert named(shop, batch.graph.nodes[batch.ref].facts["landing"][:6]).ref.kind == "landing"
    assert str(named(shop, "release:1").ref) == "release:1"
    set_aside = named(shop, "2024-04-00000")
    assert {edge.how for edge in set_aside.graph.up(set_aside.ref).edges} >= {"became"}
    assert "set aside" in set_aside.graph.nodes[set_aside.ref].text
    with pytest.raises(InputError, match=r"'1' names 2 things of shop\n  Write which one: model:1, release:1"):
        named(shop, "1")
    with pytest.raises(InputError, match=r"looked through: landing, labels, batch, key(.|\n)*a row's key \(order\)"):
        named(shop, "2024-04-99999")


def test_a_batch_that_set_a_row_aside_is_no_origin_of_it_once_another_accepted_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "usecases", rows_a_day=10)
    lead_to(monkeypatch, tmp_path)
    world.declare()
    order = world.month("2024-01").loc[0, "order"]
    rows = world.month("2024-02")
    rows.loc[0, ["order", "price"]] = order, 999.0
    rows.loc[1, "price"] = 999.0
    rows.to_csv(world.usecases / "shop" / "2024-02.csv", index=False)
    for month in ("2024-01", "2024-02"):
        take_in(month)
    row = named(open_workspace(settings()), order)
    assert "batch:2024-01/1" in names(row, upwards=True)
    assert "batch:2024-02/1" not in names(row, upwards=True)
    assert row.graph.nodes[row.ref].text == "row by order, accepted, set aside by 2024-02/1"
    set_aside = named(open_workspace(settings()), rows.loc[1, "order"])
    assert "batch:2024-02/1" in names(set_aside, upwards=True), "where such a row came from"
