"""A shop in which at least three versions have served, one after the other, put back as it was after each test."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.crashes.conftest import killable  # noqa: F401
from tests.crashes.processes import Place
from tests.world import World


@pytest.fixture(scope="package")
def three_releases(killable: None, tmp_path_factory: pytest.TempPathFactory) -> Place:  # noqa: F811
    """After five months, of which the last three have a concept that turned round."""
    folder = tmp_path_factory.mktemp("shop")
    place = Place(folder / "home", folder / "usecases")
    shop = World(place.usecases, rows_a_day=20).declare()
    for month in ("2013-01", "2013-02", "2013-03", "2013-04", "2013-05"):
        shop.month(month, flipped=month >= "2013-03")
    place.finish("backfill", "shop")
    shutil.copytree(place.home, folder / "kept")
    return place


@pytest.fixture
def shop(three_releases: Place) -> Iterator[Place]:
    """That shop, put back by rows and not by files: MLflow keeps its databases open."""
    yield three_releases
    home, kept = three_releases.home, three_releases.home.with_name("kept")
    shutil.rmtree(home / "tables")
    shutil.copytree(kept / "tables", home / "tables")
    for database in ("ledger.db", "mlflow/mlflow.db"):
        with closing(sqlite3.connect(kept / database)) as former, closing(sqlite3.connect(home / database)) as now:
            former.backup(now)
