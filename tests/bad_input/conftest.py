"""A shop after one good month, for what a bad one does to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.places import lead_to
from tests.training.stores import take_in
from tests.world import World


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Great Expectations takes seconds to import: once, before a test's time is measured."""
    from data_checks.quiet import great_expectations

    great_expectations()


@pytest.fixture(scope="session")
def january(imported: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with home and use cases in which January is accepted."""
    folder = tmp_path_factory.mktemp("january")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        World(folder / "usecases", rows_a_day=4).declare().month("2024-01")
        assert take_in("2024-01").status == "accepted"
    return folder


@pytest.fixture
def shop(january: Path, home: Path, tmp_path: Path) -> World:
    """A copy of the shop after January, for this test alone; February is the test's."""
    shutil.copytree(january / "home", home)
    shutil.copytree(january / "usecases", tmp_path / "usecases")
    return World(tmp_path / "usecases", rows_a_day=4)
