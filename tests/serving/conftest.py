"""Models of every kind fitted in memory and saved as the registry keeps them, and records to score."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from perennial.features.recipe import Recipe
from perennial.features.row_wise import RowWise
from perennial.ledger.entries import Release
from perennial.model.artifact import EXTRAS, PIPELINE_FILE, Fitted, categories_seen, digest_model, write_extras
from perennial.model.predicting import ready
from perennial.processes.making import artifacts_made
from perennial.serving.live import Live, open_live, wanted_release
from perennial.serving.log.writing import ServedLog
from perennial.settings import settings
from perennial.sources.column_type import ColumnType
from perennial.store.workspace import open_workspace
from perennial.training.pipeline import build_pipeline
from perennial.usecase.declared_model import Model
from tests.places import lead_to
from tests.serving.running_service import Place
from tests.training.stores import cycle
from tests.world import World

TYPES: dict[str, ColumnType] = {
    "carrier": "text",
    "origin": "text",
    "express": "boolean",
    "distance": "number",
    "stops": "integer",
    "wind": "number",
}
TEXT, NUMBERS = ("carrier", "origin"), ("distance", "stops", "wind", "express")
CLASSES = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")

Keep = Callable[[Fitted, pd.DataFrame], tuple[Path, str]]
"""A model and its training inputs → its folder and digest."""


def trips(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """A model's input: text with missing values, numbers with and without them, whole numbers, truth values."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "carrier": pd.Series(draw.choice(["AA", "B6", "DL", "UA", "é"], n), dtype="str"),
            "origin": pd.Series(draw.choice(["EWR", "JFK", "LGA"], n), dtype="str"),
            "distance": np.round(draw.gamma(2, 400, n)),
            "stops": draw.integers(0, 4, n),
            "wind": draw.normal(10, 4, n),
            "express": draw.random(n) < 0.5,
        }
    )
    frame.loc[draw.random(n) < 0.1, ["carrier", "wind"]] = np.nan
    return frame


def target(inputs: pd.DataFrame, task: str, classes: int) -> np.ndarray:
    draw = np.random.default_rng(1)
    score = inputs["distance"] / 500 + (inputs["carrier"] == "DL") - inputs["wind"].fillna(9) / 5
    score = (score + inputs["express"] * 0.7 + draw.normal(0, 1, len(inputs))).to_numpy()
    if task == "regression":
        return score
    cuts = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    return np.searchsorted(cuts, score).astype(np.int64)


def fitted(
    estimator: str, task: str, params: dict[str, Any], classes: int = 2, **how: Any
) -> tuple[Fitted, pd.DataFrame]:
    """A model of the declared estimator, and its training inputs."""
    inputs = trips()
    pipeline = build_pipeline(Model(estimator=estimator, params=params, **how), inputs)
    pipeline.fit(ready(inputs), target(inputs, task, classes))
    return as_fitted(pipeline, task, inputs, classes), inputs


def as_fitted(
    pipeline: Any, task: str, inputs: pd.DataFrame, classes: int = 2, row_wise: RowWise | None = None
) -> Fitted:
    recipe = Recipe(categorical=TEXT, numeric=NUMBERS, derived=(), hidden=(), sources={})
    named = CLASSES[:classes] if task == "multiclass" else ()
    naive = tuple(1 / classes for _ in named) or 0.5
    return Fitted(pipeline, recipe, task, categories_seen(inputs), naive, named, row_wise)


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    def kept(model: Fitted, inputs: pd.DataFrame) -> tuple[Path, str]:
        folder = tmp_path / f"model-{len(list(tmp_path.iterdir()))}"
        (folder / EXTRAS).mkdir(parents=True)
        skops.io.dump(model.pipeline, folder / PIPELINE_FILE)
        write_extras(folder / EXTRAS, model, inputs)
        return folder, digest_model(folder)

    return kept


def records(inputs: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a model's input as a client sends them: null if missing, whole numbers as ints."""
    plain = inputs.astype("object").where(inputs.notna(), None)
    return [
        {name: value.item() if hasattr(value, "item") else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def unusual(n: int = 300) -> pd.DataFrame:
    """Rows that no training row resembles: unseen categories, everything missing, extreme numbers."""
    frame = trips(n, seed=9)
    frame["stops"] = frame["stops"].astype("float64")
    frame.loc[::7, "carrier"], frame.loc[1::7, "origin"] = "ZZ", None
    frame.loc[2::7, ["distance", "stops", "wind"]] = np.nan
    frame.loc[3::7, "distance"], frame.loc[4::7, "wind"] = 1e300, -0.0
    return frame


@pytest.fixture(scope="session")
def released_shop(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A shop after five months, the last three with a concept that turned round, so that several versions served.

    Their artefacts are made here, where all that this takes is imported: a service would start a process for it.
    """
    folder = tmp_path_factory.mktemp("shop")
    place = Place(folder / "home", folder / "usecases")
    shop = World(place.usecases, rows_a_day=20).declare()
    for month in ("2013-01", "2013-02", "2013-03", "2013-04", "2013-05"):
        shop.month(month, flipped=month >= "2013-03")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        while cycle() is not None:
            pass
        for release in open_workspace(settings()).ledger.all("shop", Release):
            artifacts_made(settings(), "shop", release.payload.release_no)
    return place


@pytest.fixture
def shop_copy(released_shop: Place, tmp_path: Path) -> Place:
    """A copy of that shop for one test."""
    place = Place(tmp_path / "home", tmp_path / "usecases")
    shutil.copytree(released_shop.home, place.home, ignore=shutil.ignore_patterns("served"))
    shutil.copytree(released_shop.usecases, place.usecases)
    return place


@pytest.fixture
def live(world: World) -> Live:
    """The live release of a shop with two months."""
    for month in ("2024-01", "2024-02"):
        world.month(month)
        cycle()
    workspace = open_workspace(settings())
    return open_live(workspace, "shop", wanted_release(workspace, "shop"), settings().serving)


@pytest.fixture
def log() -> Iterator[ServedLog]:
    """A log with one segment."""
    log = ServedLog(settings().served, lambda: "s-1")
    yield log
    log.close()
