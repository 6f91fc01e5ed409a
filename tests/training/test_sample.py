"""A sample is chosen by keys: the same rows in any order, exactly as many as declared, newer ones more often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perennial.clock import instant
from perennial.deciding.replay import replay_deep
from perennial.ledger.entries import Decision, Snapshot
from perennial.lineage.graph import Ref
from perennial.lineage.named import find
from perennial.settings import settings
from perennial.store.key_hash import key_hashes
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.rows import inside, rows_inside
from perennial.training.sample import are_chosen, priorities, smallest
from perennial.usecase.declared_model import Model, Sample
from perennial.usecase.declared_schema import Schema
from tests.training.stores import decide_at, snapshot_digest, take_in, train_at
from tests.world import World

SCHEMA = Schema.model_validate({"key": ["order"], "time": "at", "target": "y", "task": "binary"})


def model(seed: int = 0, **sample: Any) -> Model:
    return Model.model_validate({"estimator": "sklearn.dummy.DummyClassifier", "sample": sample, "seed": seed})


def orders(rows: int) -> pa.Table:
    at = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(rows)]
    return pa.table({"order": [f"o{n}" for n in range(rows)], "at": pa.array(at)})


def test_hashes_are_those_of_the_published_functions() -> None:
    # SplitMix64 from seed 0, as in the reference code of Vigna; FNV-1a of "foobar", as in draft-eastlake-fnv.
    assert key_hashes(pa.table({"key": [0]}), [], 0).tolist() == [0xE220A8397B1DCDAF]
    texts, bits = pa.table({"key": ["foobar", ""]}), [0x85944171F73967E8, 0xCBF29CE484222325]
    integers = pa.table({"key": pa.array(np.array(bits, dtype=np.uint64).view(np.int64))})
    assert (key_hashes(texts, ["key"], 7) == key_hashes(integers, ["key"], 7)).all()
    assert (key_hashes(texts.slice(1), ["key"], 7) == key_hashes(texts, ["key"], 7)[1:]).all()


def test_the_same_rows_are_chosen_in_any_order_and_in_any_parts() -> None:
    declared, rows = model(rows=100, by="time_decay", half_life="10d"), orders(1000)
    assert declared.sample is not None

    def chosen(parts: list[pa.Table]) -> set[str]:
        assert declared.sample is not None
        of, bound = smallest((priorities(part, SCHEMA, declared) for part in parts), declared.sample)
        assert (of, bound is not None) == (1000, True)
        whole = pa.concat_tables(parts)
        kept = are_chosen(priorities(whole, SCHEMA, declared), bound or 0.0, declared.sample)
        return set(whole.filter(pa.array(kept))["order"].to_pylist())

    shuffled = rows.take(pa.array(np.random.default_rng(0).permutation(1000)))
    once = chosen([rows])
    assert len(once) == 100
    assert chosen([shuffled.slice(n, 30) for n in range(0, 1000, 30)]) == once
    assert chosen([rows.cast(pa.schema([("order", pa.large_string()), ("at", pa.timestamp("ns", "UTC"))]))]) == once


def test_a_row_is_chosen_next_in_proportion_to_its_weight() -> None:
    """The first of three rows with weights 1/4, 1/2 and 1 has a chance of 1/7, 2/7 and 4/7."""
    at = pa.array([datetime(2024, 1, day, tzinfo=UTC) for day in (1, 11, 21)])
    rows = pa.table({"order": ["a", "b", "c"], "at": at})
    seeds = [model(seed, rows=100, by="time_decay", half_life="10d") for seed in range(7000)]
    first = [int(priorities(rows, SCHEMA, declared).argmin()) for declared in seeds]
    assert np.bincount(first) / 1000 == pytest.approx([1, 2, 4], abs=0.15)
    uniform = [int(priorities(rows, SCHEMA, model(seed, rows=100)).argmin()) for seed in range(3000)]
    assert np.bincount(uniform) / 1000 == pytest.approx([1, 1, 1], abs=0.15)


def test_of_equal_places_the_first_rows_in_key_order_are_chosen() -> None:
    of_rows = np.array([0.5] * 60 + [0.1] * 60)
    kept = are_chosen(of_rows, smallest([of_rows], Sample(rows=100))[1] or 0.0, Sample(rows=100))
    assert kept.sum() == 100 and kept[:40].all() and not kept[40:60].any()
    assert smallest([of_rows], Sample(rows=120)) == (120, None)


@pytest.mark.parametrize("window", ["expanding", {"last": "40d"}, {"batches": 1}, {"season": "20d"}])
def test_a_window_is_applied_while_rows_are_read(world: World, window: Any) -> None:
    world.rows_a_day = 4
    world.declare(model=world.declaration["model"] | {"window": window})
    for month in ("2024-01", "2024-02", "2024-03"):
        world.month(month)
        batch = take_in(month)
    workspace, declaration = _opened()
    known = known_at(workspace.ledger, "shop", instant(batch.arrived_at))
    every = read_rows(workspace.tables, "shop", declaration.schema_, known, labelled=True)
    then = inside(declaration.model.window, every, every["at"], known).reset_index(drop=True)
    pd.testing.assert_frame_equal(rows_inside(workspace.tables, declaration, known).rows, then)
    until = datetime.fromisoformat("2024-02-10T00:00:00+00:00")
    early = rows_inside(workspace.tables, declaration, known, until).rows
    assert len(early) and early["at"].max() < pd.Timestamp(until)
    assert (early["at"].min() >= pd.Timestamp("2024-02-01", tz="UTC")) == (window == {"batches": 1})


def test_a_challenger_is_trained_on_its_sample_and_the_record_shows_how_many(world: World) -> None:
    world.declare(model=world.declaration["model"] | {"sample": {"rows": 500, "by": "time_decay", "half_life": "10d"}})
    for month in ("2024-01", "2024-02"):
        world.month(month)
        batch = take_in(month)
    at = instant(batch.arrived_at)
    entry = train_at(at)
    workspace, declaration = _opened()
    row = workspace.ledger.get("shop", Snapshot, entry.snapshot)
    assert row is not None and row.payload.sampled is not None
    snapshot = row.payload
    assert (snapshot.rows, snapshot.rows_in_words) == (500, "500 of 2,360 labelled rows")
    assert snapshot_digest(at) == (snapshot.snapshot, snapshot.digest, 500)
    training = rows_inside(workspace.tables, declaration, known_at(workspace.ledger, "shop", at))
    assert training.sampled == snapshot.sampled
    assert (training.rows["at"] >= "2024-02-19").mean() > 0.4, "half of the weight is in the newest 10 of 60 days"
    _lineage_knows_whether_a_row_is_among_them(workspace, set(training.rows["order"]), snapshot.snapshot)
    world.month("2024-03")
    made = decide_at(instant(take_in("2024-03").arrived_at), "2024-03")
    assert made.evaluation.rows == 31 * world.rows_a_day, "every row from 29 February to 30 March"
    (decided,) = workspace.ledger.all("shop", Decision)
    assert replay_deep(workspace.ledger, workspace.tables, workspace.registry, decided).difference is None


def _lineage_knows_whether_a_row_is_among_them(workspace: Workspace, orders: set[str], snapshot: str) -> None:
    declaration = workspace.use_case("shop").declaration
    chosen = max(orders)
    left_out = next(name for n in range(100) if (name := f"2024-02-{n:05d}") not in orders)
    for order in (chosen, left_out):
        named = find(workspace, declaration, order)
        trained = {edge.target.id for edge in named.graph.edges if edge.how == "trained in"}
        assert (snapshot in trained) == (order in orders)
        assert named.graph.nodes[Ref("snapshot", snapshot)].text.startswith("500 of 2,360 rows, ")


def _opened() -> tuple[Workspace, Any]:
    workspace = open_workspace(settings())
    return workspace, workspace.use_case("shop").declaration
