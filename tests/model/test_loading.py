"""A registered model is loaded only if its bytes are those evaluated, hold nothing foreign and predict the same."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from perennial.errors import ModelUnloadable
from perennial.model.artifact import EXTRAS, PIPELINE_FILE, digest_model, load
from tests.training.conftest import Saved, accepted, fitted_on, predictions
from tests.world import World


class Poison(BaseEstimator):
    """Leaves a mark when it is brought to life."""

    def __init__(self, where: str = "") -> None:
        self.where = where

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        Path(state["where"]).write_text("ran")


def test_a_model_predicts_after_loading_what_it_predicted_before(
    world: World, month: pd.DataFrame, saved: Saved
) -> None:
    made = fitted_on(world, month)
    folder = saved(made)
    loaded = load(folder, digest_model(folder))
    np.testing.assert_array_equal(loaded.predict(accepted(month)), made.fitted.predict(accepted(month)))
    assert loaded.seen == {"carrier": ("bike", "post", "van")}


@pytest.mark.parametrize("file", [PIPELINE_FILE, f"{EXTRAS}/model.json", f"{EXTRAS}/recipe.json"])
def test_one_changed_byte_is_found_before_a_file_is_interpreted(
    world: World, month: pd.DataFrame, saved: Saved, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(fitted_on(world, month))
    registered = digest_model(folder)
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / file).write_bytes(data)
    monkeypatch.setattr(skops.io, "load", _never)
    monkeypatch.setattr(skops.io, "get_untrusted_types", _never)
    with pytest.raises(ModelUnloadable, match=f"registered {registered[:16]}.*backup"):
        load(folder, registered)


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("the file was interpreted")


def test_a_file_with_a_foreign_type_is_refused_though_its_digest_is_right(
    world: World, month: pd.DataFrame, saved: Saved, tmp_path: Path
) -> None:
    made = fitted_on(world, month)
    folder = saved(made)
    mark = tmp_path / "ran"
    skops.io.dump(Pipeline([*made.fitted.pipeline.steps[:1], ("estimator", Poison(str(mark)))]), folder / PIPELINE_FILE)
    with pytest.raises(ModelUnloadable, match=r"outside the allow-list: .*Poison"):
        load(folder, digest_model(folder))
    assert not mark.exists()


def test_a_file_that_declares_its_own_foreign_types_as_trusted_is_refused(
    world: World, month: pd.DataFrame, saved: Saved
) -> None:
    """MLflow writes beside a model which types to trust; whoever can write the model can write that list."""
    made = fitted_on(world, month)
    folder = saved(made)
    _rename_type(folder / PIPELINE_FILE, "sklearn.compose._column_transformer", "ColumnTransformer", "os", "system")
    (folder / "MLmodel").write_text("flavors:\n  sklearn:\n    skops_trusted_types: [os.system]\n")
    with pytest.raises(ModelUnloadable, match=r"os\.system"):
        load(folder, digest_model(folder))


def _rename_type(file: Path, module: str, name: str, other_module: str, other_name: str) -> None:
    with zipfile.ZipFile(file) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    schema = json.loads(parts["schema.json"])

    def swap(node: Any) -> None:
        if isinstance(node, dict):
            if (node.get("__module__"), node.get("__class__")) == (module, name):
                node["__module__"], node["__class__"] = other_module, other_name
            for value in node.values():
                swap(value)
        elif isinstance(node, list):
            for value in node:
                swap(value)

    swap(schema)
    parts["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)


def test_a_model_that_predicts_differently_here_is_refused_with_the_libraries_that_changed(
    world: World, month: pd.DataFrame, saved: Saved
) -> None:
    folder = saved(fitted_on(world, month))
    path = folder / EXTRAS / "model.json"
    said = json.loads(path.read_text())
    said["golden"]["predictions"][0] += 0.01
    said["libraries"]["scikit-learn"] = "0.1"
    path.write_text(json.dumps(said))
    with pytest.raises(ModelUnloadable, match=r"golden predictions differ by 0\.01.*scikit-learn 0\.1 → "):
        load(folder, digest_model(folder))


def test_golden_predictions_that_are_no_numbers_are_no_match(world: World, month: pd.DataFrame, saved: Saved) -> None:
    folder = saved(fitted_on(world, month))
    path = folder / EXTRAS / "model.json"
    said = json.loads(path.read_text())
    said["golden"]["predictions"][0] = float("nan")
    path.write_text(json.dumps(said))
    with pytest.raises(ModelUnloadable, match="golden predictions differ"):
        load(folder, digest_model(folder))


def test_a_model_without_its_file_is_reported(world: World, month: pd.DataFrame, saved: Saved) -> None:
    folder = saved(fitted_on(world, month))
    registered = digest_model(folder)
    (folder / PIPELINE_FILE).unlink()
    with pytest.raises(ModelUnloadable, match=PIPELINE_FILE.replace(".", r"\.")):
        load(folder, registered)


def test_an_old_model_computes_its_features_with_its_own_code_after_the_file_was_edited(
    world: World, month: pd.DataFrame, saved: Saved
) -> None:
    functions = world.usecases / "shop.py"
    features = {**world.declaration["features"], "derived": ["shop.py:heavy"]}
    functions.write_text("def heavy(rows):\n    return (rows['weight'] > 2).astype(float)\n")
    old = fitted_on(world.declare(features=features), month)
    before = predictions(old.fitted, month)
    folder = saved(old)
    functions.write_text("def heavy(rows):\n    return rows['weight'] * 0 - 7.0\n")
    new = fitted_on(world, month)
    loaded = load(folder, digest_model(folder))
    assert set(new.inputs["heavy"]) == {-7.0}
    assert set(loaded.recipe.inputs(accepted(month))["heavy"]) == {0.0, 1.0}
    assert predictions(loaded, month) == before
    assert loaded.recipe.digest != new.fitted.recipe.digest
    functions.unlink()
    assert predictions(load(folder, digest_model(folder)), month) == before
