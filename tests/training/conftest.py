"""Models fitted in memory on the `shop` world, and saved the way the registry keeps them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skops.io

from perennial.model.artifact import EXTRAS, PIPELINE_FILE, Fitted, write_extras
from perennial.our_columns import LABEL
from perennial.training.fit import Fit, fit
from perennial.usecase.reading import load_use_case
from tests.world import World, month_of_rows

Saved = Callable[[Fit], Path]


def accepted(rows: pd.DataFrame, label: str = "returned") -> pd.DataFrame:
    """A month's rows as the accepted table gives them, labels known."""
    typed = rows.assign(at=pd.to_datetime(rows["at"], utc=True))
    return typed.drop(columns=[label]).assign(**{LABEL: rows[label].astype(float)})


def fitted_on(world: World, rows: pd.DataFrame, label: str = "returned") -> Fit:
    """The declared model fitted on a month's rows."""
    return fit(load_use_case("shop", world.usecases), accepted(rows, label))


@pytest.fixture
def month() -> pd.DataFrame:
    """A January of ten orders a day."""
    return month_of_rows("2024-01", rows_a_day=10)


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """A fit → the folder of its files, as the registry keeps them."""

    def save(made: Fit) -> Path:
        folder = tmp_path / "model"
        (folder / EXTRAS).mkdir(parents=True)
        skops.io.dump(made.fitted.pipeline, folder / PIPELINE_FILE)
        write_extras(folder / EXTRAS, made.fitted, made.inputs)
        return folder

    return save


def predictions(model: Fitted, rows: pd.DataFrame) -> list[float]:
    """A model's predictions for a month's rows."""
    found: Any = model.predict(accepted(rows))
    return [float(p) for p in found]
