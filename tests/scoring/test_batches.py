"""Batches scored by the live release: stored once, with what made them, and never predicted a second time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from perennial.clock import instant
from perennial.ledger.entries import BatchEntry, BatchScored, Release
from perennial.ledger.entries.serving import scoring
from perennial.model.artifact import Fitted
from perennial.model.released import load_model, load_served
from perennial.our_columns import BATCH, RELEASE_NO, SCORE, SCORED_AT, VERSIONS
from perennial.release.doctor import examine
from perennial.scoring.stored import stored_scores
from perennial.settings import settings
from perennial.store.bounded import Bounds
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.stored_rows import in_memory, kept_rows
from perennial.store.stream import Stream
from perennial.store.whole_types import WholeTypes
from perennial.store.workspace import Workspace, open_workspace
from tests.staged import begin_stage
from tests.training.stores import asked_of_models, cycle, decide_at, take_in, train_at
from tests.world import World

ROW_WISE = "def ratio(rows):\n    return rows['price'] / rows['weight']\n"
NOT_ROW_WISE = "def ratio(rows):\n    return rows['price'] / rows['price'].mean()\n"
LINEAR = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 200}}


@pytest.fixture
def workspace(world: World) -> Workspace:
    """A shop whose version 1 is live, and whose March has just been accepted."""
    return _live(world)


def _live(world: World) -> Workspace:
    from tasks.deciding import release

    for month in ("2024-01", "2024-02", "2024-03"):
        world.month(month)
    train_at(instant(take_in("2024-01").arrived_at))
    release.fn("shop", decide_at(instant(take_in("2024-02").arrived_at), "2024-02").id)
    take_in("2024-03")
    return open_workspace(settings())


def _newest(workspace: Workspace) -> BatchEntry:
    return workspace.ledger.all("shop", BatchEntry)[-1].payload


def test_a_batch_is_scored_once_by_each_release_with_the_bits_of_its_model(workspace: Workspace) -> None:
    from tasks.scoring import score_arrived, score_batch

    batch, tables = _newest(workspace), workspace.tables
    scored = score_arrived.fn("shop", batch)
    version = tables.version("shop", "predictions")
    assert scored is not None and scored == score_arrived.fn("shop", batch) == score_batch.fn("shop", batch)
    assert tables.version("shop", "predictions") == version
    assert len(workspace.ledger.all("shop", BatchScored)) == 1

    table = tables.read("shop", "predictions", [scored.key])
    assert table is not None and table.num_rows == scored.rows == batch.rows.accepted
    assert set(table[RELEASE_NO].to_pylist()) == {1} and set(table[VERSIONS].to_pylist()) == {"1"}
    assert set(table[SCORED_AT].to_pylist()) == {instant(batch.arrived_at)}
    rows, model = _rows(workspace, batch)
    stored = table.to_pandas().set_index("order")[SCORE]
    assert_array_equal(stored[rows["order"]].to_numpy(), model.predict(rows))


def _rows(workspace: Workspace, batch: BatchEntry) -> tuple[pd.DataFrame, Fitted]:
    schema = workspace.use_case("shop").declaration.schema_
    known = known_at(workspace.ledger, "shop", instant(batch.arrived_at))
    rows = read_rows(workspace.tables, "shop", schema, known, only=(batch.batch,))
    release = workspace.ledger.all("shop", Release)[-1].payload
    return rows, load_served(workspace.registry, "shop", release).champion


@pytest.mark.parametrize("rows_in_memory", [1_000_000, 1])
def test_watching_and_comparing_ask_a_model_for_no_row_that_it_has_scored(
    workspace: Workspace, world: World, monkeypatch: pytest.MonkeyPatch, rows_in_memory: int
) -> None:
    from tasks.health import watch_champion
    from tasks.scoring import score_arrived

    channels = ["gap", "level", "calibration", "predictions"]
    world.declare(watch={"channels": channels})
    monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", str(rows_in_memory))
    batch = _newest(workspace)
    health = watch_champion.fn("shop", batch)
    assert health.loss is not None and [each.channel for each in health.readings] == channels
    asked = asked_of_models(monkeypatch)
    score_arrived.fn("shop", batch)
    assert asked == [batch.rows.accepted]
    assert watch_champion.fn("shop", batch) == health
    # February came before the release, and the labels of its last day came in March: 40 rows that nobody has scored.
    # They are among those of the level and among those of the gap.
    assert asked == [batch.rows.accepted, world.rows_a_day, world.rows_a_day]


def test_only_predictions_that_would_have_the_same_bits_stand_for_others(world: World) -> None:
    from tasks.scoring import score_arrived

    workspace = _live(world.declare(model=LINEAR))
    batch = _newest(workspace)
    scored = score_arrived.fn("shop", batch)
    assert scored is not None and not scored.same_again
    rows, model = _rows(workspace, batch)
    case = workspace.use_case("shop").declaration
    given = (workspace.tables, workspace.ledger, "shop", case.schema_)
    assert stored_scores(*given, scored.serves[0].model, model).of(rows) is None


def test_stored_predictions_come_in_the_order_of_the_rows_and_the_rest_is_predicted(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.scoring import score_arrived

    batch = _newest(workspace)
    scored = score_arrived.fn("shop", batch)
    assert scored is not None
    rows, model = _rows(workspace, batch)
    mixed = rows.sample(frac=0.5, random_state=0)
    given = (workspace.tables, workspace.ledger, "shop", workspace.use_case("shop").declaration.schema_)
    live = scored.serves[0].model
    new = mixed.assign(order=[f"new {order}" if order < "2024-03-00300" else order for order in mixed["order"]])
    for each in (mixed, new, new[new["order"].str.startswith("new")]):
        assert_array_equal(stored_scores(*given, live, model).of(each), model.predict(each))
    for part in ("perennial.store.stored_rows.PART", "perennial.scoring.stored.PART"):
        monkeypatch.setattr(part, 50)
    for each in (mixed, new):
        table = pa.Table.from_pandas(each, preserve_index=False)
        there = kept_rows(Bounds(2**30, tmp_path), Stream(table.schema, iter([table])), ["order"], WholeTypes())
        assert_array_equal(stored_scores(*given, live, model).of(there), model.predict(in_memory(there)))
    assert stored_scores(*given, live, model).of(mixed.assign(**{BATCH: "another"})) is None
    assert stored_scores(*given, live.model_copy(update={"digest": "other"}), model).of(rows) is None


def test_nothing_is_scored_while_no_model_is_live(world: World) -> None:
    from tasks.scoring import score_arrived, score_batch

    world.month("2024-01")
    batch = take_in("2024-01")
    assert score_arrived.fn("shop", batch) is score_batch.fn("shop", batch) is None


def test_a_new_release_scores_a_batch_anew_and_the_former_scores_stay(world: World) -> None:
    from tasks.scoring import score_batch

    for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
        world.month(month, flipped=month > "2024-02")
        cycle()
    workspace = open_workspace(settings())
    batch, releases = _newest(workspace), workspace.ledger.all("shop", Release)
    assert len(releases) > 1, "the concept turned round, so a second model is live"
    before = {row.key for row in workspace.ledger.all("shop", BatchScored)}
    assert before, "cycles score"
    scored = score_batch.fn("shop", batch)
    assert scored is not None and scored.release_no == releases[-1].payload.release_no
    assert scored.key not in before and before < {row.key for row in workspace.ledger.all("shop", BatchScored)}


def test_predictions_of_a_killed_run_are_seen_by_nobody_and_swept(workspace: Workspace) -> None:
    from tasks.scoring import score_arrived

    batch = _newest(workspace)
    scored = score_arrived.fn("shop", batch)
    assert scored is not None
    table = workspace.tables.read("shop", "predictions", [scored.key])
    assert table is not None
    left = table.set_column(table.schema.get_field_index(BATCH), BATCH, [["killed@9"] * table.num_rows])
    workspace.tables.append("shop", "predictions", left, "killed@9")
    wrong = examine(workspace.ledger, workspace.tables, workspace.registry, "shop", "2024-04-01T00:00:00Z")
    (found,) = [each for each in wrong if "predictions" in each.what]
    assert "killed@9" in found.what and found.mend is not None
    found.mend()
    assert workspace.tables.count("shop", "predictions", "killed@9") == 0
    assert workspace.tables.count("shop", "predictions", scored.key) == scored.rows


@pytest.mark.parametrize(("code", "same"), [(ROW_WISE, True), (NOT_ROW_WISE, False)])
def test_a_custom_feature_counts_if_it_was_seen_to_depend_on_one_row(world: World, code: str, same: bool) -> None:
    from tasks.scoring import score_arrived

    (world.usecases / "shop.py").write_text(code)
    features = {**world.declaration["features"], "derived": ["shop.py:ratio"]}
    workspace = _live(world.declare(features=features))
    scored = score_arrived.fn("shop", _newest(workspace))
    assert scored is not None and scored.same_again is same


def test_a_candidate_scores_beside_the_live_model_and_nobody_takes_its_predictions_for_those(
    workspace: Workspace,
) -> None:
    from tasks.scoring import score_arrived, score_batch

    batch, tables, ledger = _newest(workspace), workspace.tables, workspace.ledger
    before = score_arrived.fn("shop", batch)
    challenger = train_at(instant(batch.arrived_at))
    release = begin_stage(workspace, challenger.model)
    rows, champion = _rows(workspace, batch)
    candidate = load_model(workspace.registry, "shop", challenger.model)

    # A run that was killed has left some of the candidate's rows without an entry.
    name = scoring(batch.batch, release.release_no, "candidate")
    left = tables.read("shop", "predictions", [before.key] if before else [])
    assert left is not None
    left = left.slice(0, 5).set_column(left.schema.get_field_index(BATCH), BATCH, [[name] * 5])
    tables.append("shop", "predictions", left, name)
    live = score_batch.fn("shop", batch)
    assert live is not None and live.of is None and live.serves == release.serves and before is not None
    beside = ledger.get("shop", BatchScored, name)
    assert beside is not None and beside.payload.of == "candidate" and beside.payload.failed is None
    assert [each.model for each in beside.payload.serves] == [challenger.model]
    assert score_batch.fn("shop", batch) == live and len(ledger.all("shop", BatchScored)) == 3

    for key, model, versions in ((live.key, champion, "1"), (name, candidate, "2")):
        table = tables.read("shop", "predictions", [key])
        assert table is not None and set(table[VERSIONS].to_pylist()) == {versions}
        stored = table.to_pandas().set_index("order")[SCORE]
        assert_array_equal(stored[rows["order"]].to_numpy(), model.predict(rows))
    given = (tables, ledger, "shop", workspace.use_case("shop").declaration.schema_)
    for ref, model in ((release.champion.model, champion), (challenger.model, candidate)):
        assert_array_equal(stored_scores(*given, ref, model).of(rows), model.predict(rows))
    wrong = examine(ledger, tables, workspace.registry, "shop", "2024-06-01T00:00:00Z")
    assert not [each for each in wrong if "predictions" in each.what]

    # A candidate that fails is recorded, once, and the batch is scored.
    broken = begin_stage(workspace, challenger.model.model_copy(update={"digest": "other"}))
    assert broken.release_no == 3
    scored = score_batch.fn("shop", batch)
    assert scored is not None and scored.rows == batch.rows.accepted and scored == score_batch.fn("shop", batch)
    (failed,) = [row.payload for row in ledger.all("shop", BatchScored) if row.payload.failed is not None]
    assert (
        failed.key == scoring(batch.batch, 3, "candidate")
        and failed.rows == 0
        and "bytes changed" in (failed.failed or "")
    )
    assert tables.count("shop", "predictions", failed.key) == 0 and not failed.same_again
