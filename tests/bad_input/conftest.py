"""A shop after one good month, for what a bad one does to it."""

from __future__ import annotations

import pytest

from tests.training.stores import take_in
from tests.world import World


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Great Expectations takes seconds to import: once, before a test's time is measured."""
    from data_checks.quiet import great_expectations

    great_expectations()


@pytest.fixture
def shop(world: World) -> World:
    """January is accepted; February is the test's."""
    world.rows_a_day = 4
    world.month("2024-01")
    assert take_in("2024-01").status == "accepted"
    return world
