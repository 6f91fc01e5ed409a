"""A fit in parts: the same rows and the same model as in memory, whatever the files look like, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score

from perennial.clock import instant
from perennial.deciding.replay import replay_deep
from perennial.errors import InputError
from perennial.governance.card import model_card
from perennial.governance.records import records_of
from perennial.ledger.entries import Decision, Snapshot
from perennial.model.predicting import ready
from perennial.our_columns import LABEL
from perennial.settings import settings
from perennial.store.bounded import Bounds
from perennial.store.key_hash import key_hashes
from perennial.store.known import known_at
from perennial.store.rows import read_parts
from perennial.store.stored_rows import StoredRows, stored_rows
from perennial.store.stream import Stream
from perennial.store.workspace import open_workspace
from perennial.training.fit import fit
from perennial.training.fit_result import Fit
from perennial.training.opened_rows import OpenedRows
from perennial.training.snapshot import snapshot_of
from perennial.usecase.reading import load_use_case
from tasks.deciding import release
from tests.cli.conftest import command
from tests.training.conftest import accepted, predictions
from tests.training.stores import decide_at, snapshot_digest, take_in, train_at
from tests.world import World

XGB = {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 12, "max_depth": 3}}
SGD = {"estimator": "sklearn.linear_model.SGDClassifier", "params": {"loss": "log_loss"}, "categories": "onehot"}


def rows_in(folder: Path, *frames: pd.DataFrame) -> StoredRows:
    """Accepted rows in key order, a file for each frame."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.parquet" for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=97)
    return StoredRows(tuple(map(pq.ParquetFile, paths)), Bounds(2**30, folder))


def made(world: World, on: StoredRows | pd.DataFrame, model: dict[str, Any], **parts: int) -> Fit:
    world.declare(model={**model, "parts": parts} if parts else model)
    return fit(load_use_case("shop", world.usecases), on)


def probabilities(of: Fit, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(of.fitted.predict(accepted(rows)))


def booster(of: Fit) -> bytes:
    return bytes(of.fitted.pipeline[-1].get_booster().save_raw("json"))


def test_xgboost_gives_the_model_that_it_gives_in_memory(world: World, month: pd.DataFrame, tmp_path: Path) -> None:
    month.loc[::7, "weight"] = np.nan
    whole = made(world, accepted(month), XGB)
    stored = rows_in(tmp_path / "rows", accepted(month[:200]), accepted(month[200:]))
    for rows in (1000, 100):
        parts = made(world, stored, XGB, rows=rows)
        assert booster(parts) == booster(whole)
        assert predictions(parts.fitted, month) == predictions(whole.fitted, month)
        assert (parts.in_sample, parts.in_sample_rows) == (whole.in_sample, whole.in_sample_rows)
        assert (parts.fitted.seen, parts.fitted.naive) == (whole.fitted.seen, whole.fitted.naive)
    assert [path.name for path in sorted(stored.bounds.spill.iterdir())] == ["0.parquet", "1.parquet"]


def test_partial_fit_gets_every_row_once_per_pass_in_the_order_of_the_hashes(
    world: World, month: pd.DataFrame, tmp_path: Path
) -> None:
    parts = made(world, rows_in(tmp_path / "rows", accepted(month)), SGD, rows=100, passes=3)
    hashes = key_hashes(pa.table({"order": month["order"].to_list()}), ["order"], 0)
    mixed = month.iloc[np.argsort(hashes)]
    inputs = parts.fitted.pipeline[0].transform(ready(mixed[["carrier", "price", "weight"]]))
    again = SGDClassifier(loss="log_loss", random_state=0)
    for _ in range(3):
        for start in range(0, len(mixed), 100):
            here = slice(start, start + 100)
            again.partial_fit(inputs[here], mixed["returned"].to_numpy()[here], classes=[0, 1])
    assert (parts.fitted.pipeline[-1].coef_ == again.coef_).all()


def test_two_layouts_of_the_same_rows_give_one_snapshot_and_one_model(world: World) -> None:
    world.rows_a_day = 6
    world.declare(model={**SGD, "parts": {"rows": 100, "passes": 2}})
    for month in ("2024-01", "2024-02"):
        world.month(month)
        batch = take_in(month)
    at = instant(batch.arrived_at)
    workspace = open_workspace(settings())
    case, known = workspace.use_case("shop"), known_at(workspace.ledger, "shop", at)
    schema = case.declaration.schema_
    first, *parts = read_parts(workspace.tables, "shop", schema, known, labelled=True)
    whole = pa.concat_tables([first, *parts])
    shuffled = whole.take(pa.array(np.random.default_rng(0).permutation(len(whole))))
    seen, bounds = set(), Bounds(2**30, settings().spill)
    for each in (whole, shuffled):
        cut: Iterator[pa.Table] = (each.slice(place, 61) for place in range(0, len(each), 61))
        with stored_rows(bounds, Stream(first.schema, cut), schema.key) as rows:
            snapshot = snapshot_of(workspace.tables, case.declaration, known, OpenedRows(rows, None))
            seen.add((snapshot.digest, snapshot.rows, fit(case, rows).fitted.pipeline[-1].coef_.tobytes()))
    assert len(seen) == 1
    assert snapshot_digest(at) == (snapshot.snapshot, snapshot.digest, snapshot.rows), "as of the rows in memory"


def test_a_fit_that_workers_share_depends_on_the_rows_and_their_number_alone(
    world: World, month: pd.DataFrame, tmp_path: Path
) -> None:
    stored = rows_in(tmp_path / "rows", accepted(month[:200]), accepted(month[200:]))
    shared = made(world, stored, XGB, rows=100, workers=3)
    assert booster(shared) == booster(made(world, rows_in(tmp_path / "one", accepted(month)), XGB, rows=100, workers=3))
    alone = made(world, stored, XGB, rows=100)
    assert predictions(shared.fitted, month) == pytest.approx(predictions(alone.fitted, month), abs=1e-5)
    assert (shared.in_sample_rows, shared.fitted.seen) == (alone.in_sample_rows, alone.fitted.seen)
    assert [path.name for path in sorted(stored.bounds.spill.iterdir())] == ["0.parquet", "1.parquet"]
    (world.usecases / "own.py").write_text(
        "from sklearn.linear_model import SGDClassifier\n\n\ndef line():\n    return SGDClassifier(loss='log_loss')\n"
    )
    with pytest.raises(InputError, match=r"model\.parts\.workers: own\.py:line ends in SGDClassifier"):
        made(world, stored, {"estimator": "own.py:line"}, workers=2)


@pytest.mark.parametrize("model", [XGB, SGD])
def test_a_challenger_trained_in_parts_is_decided_and_replayed(world: World, model: dict[str, Any]) -> None:
    world.rows_a_day = 20
    window = {"decay": "20d"}
    world.declare(model={**model, "window": window, "parts": {"rows": 150, "prepared_on": 1000}})
    for month in ("2024-01", "2024-02"):
        world.month(month)
        batch = take_in(month)
    entry = train_at(instant(batch.arrived_at))
    workspace = open_workspace(settings())
    assert not any(path.is_file() for path in settings().spill.rglob("*"))
    row = workspace.ledger.get("shop", Snapshot, entry.snapshot)
    assert row is not None and row.payload.rows == 59 * 20
    assert train_at(instant(batch.arrived_at)) == entry
    world.month("2024-03")
    decided = decide_at(instant(take_in("2024-03").arrived_at), "2024-03")
    assert decided.outcome == ("first" if model is XGB else "keep")
    (again,) = workspace.ledger.all("shop", Decision)
    assert replay_deep(workspace.ledger, workspace.tables, workspace.registry, again).difference is None
    if decided.outcome == "first":
        release.fn("shop", decided.id)
        records = records_of(workspace.ledger, workspace.use_case("shop").declaration)
        assert records.subject is not None
        assert "fitted in parts of 150 rows, its encoders on at most 1,000 rows" in model_card(records, records.subject)


def test_a_custom_pipeline_is_fitted_in_parts_and_another_estimator_refused(
    world: World, month: pd.DataFrame, tmp_path: Path
) -> None:
    (world.usecases / "own.py").write_text(
        "from sklearn.compose import make_column_selector, make_column_transformer\n"
        "from sklearn.linear_model import LogisticRegression, SGDClassifier\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n\n\n"
        "def numbers():\n"
        "    return make_column_transformer(('passthrough', make_column_selector(dtype_include='number')))\n\n\n"
        "def scaled(seed):\n"
        "    return make_pipeline(numbers(), StandardScaler(), SGDClassifier(loss='log_loss', random_state=seed))\n\n\n"
        "def whole():\n"
        "    return make_pipeline(numbers(), LogisticRegression())\n"
    )
    stored = rows_in(tmp_path / "rows", accepted(month))
    parts = made(world, stored, {"estimator": "own.py:scaled"}, rows=100, passes=50)
    returned = month["returned"].to_numpy()
    assert roc_auc_score(returned, predictions(parts.fitted, month)) > 0.7
    with pytest.raises(InputError, match=r"model\.parts: own\.py:whole ends in LogisticRegression"):
        made(world, stored, {"estimator": "own.py:whole"}, rows=100)


def test_weights_and_classes_count_as_in_memory(world: World, month: pd.DataFrame, tmp_path: Path) -> None:
    schema = {**world.declaration["schema"], "weight": "exposure", "task": "multiclass", "classes": ["a", "b", "c"]}
    schema["target"] = "kind"
    month["exposure"] = np.random.default_rng(1).lognormal(0, 1, len(month))
    month["kind"] = np.where(month["price"] > 150, "c", np.where(month["returned"] == 1, "b", "a"))
    world.declare(schema=schema, evaluation={"primary": "log_loss"})
    typed = accepted(month).drop(columns=[LABEL]).assign(**{LABEL: month["kind"]}).drop(columns=["kind"])
    stored = rows_in(tmp_path / "rows", typed)
    for model in (XGB, {**SGD, "params": {"loss": "log_loss", "class_weight": "balanced"}}):
        parts = made(world, stored, model, rows=100)
        whole = made(world, typed, model)
        assert parts.fitted.classes == ("a", "b", "c")
        assert parts.fitted.naive == pytest.approx(whole.fitted.naive)
        if model is XGB:
            assert booster(parts) == booster(whole)
            shared = made(world, stored, model, rows=100, workers=3)
            assert probabilities(shared, month) == pytest.approx(probabilities(whole, month), abs=1e-5)
            assert shared.fitted.naive == parts.fitted.naive
        else:
            weights = parts.fitted.pipeline[-1].class_weight
            assert weights[2] == pytest.approx(len(month) / 3 / (month["kind"] == "c").sum())


def test_a_number_is_learned_in_parts_too(world: World, month: pd.DataFrame, tmp_path: Path) -> None:
    world.declaration["schema"] |= {"target": "price", "task": "regression"}
    world.declare(features={"numeric": ["weight", "returned"], "categorical": ["carrier"]}, evaluation={})
    rows = month.assign(at=pd.to_datetime(month["at"], utc=True)).rename(columns={"price": LABEL})
    stored = rows_in(tmp_path / "rows", rows)
    boosted = {**XGB, "estimator": "xgboost.XGBRegressor"}
    assert booster(made(world, stored, boosted, rows=100)) == booster(made(world, rows, boosted))
    shared = made(world, stored, boosted, rows=1000, workers=2)
    assert shared.in_sample == pytest.approx(made(world, rows, boosted).in_sample)
    linear = {"estimator": "sklearn.linear_model.SGDRegressor"}
    assert made(world, stored, linear, rows=100).fitted.naive == month["price"].median(), "of the default metric, mae"


@pytest.mark.slow
def test_a_backtest_in_parts_gives_the_table_that_it_gives_in_memory(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.rows_a_day = 10
    tables: list[object] = []
    for parts in ({"parts": {"rows": 100}}, {}):
        world.declare(model={**XGB, **parts})
        for month in () if tables else ("2024-01", "2024-02", "2024-03", "2024-04"):
            world.month(month)
            take_in(month)
        capsys.readouterr()
        assert command("backtest", "shop", "--json") == 0, capsys.readouterr().err
        table = json.loads(capsys.readouterr().out)
        assert table["fits"] > 0
        tables.append(table["lives"])
    assert tables[0] == tables[1]
