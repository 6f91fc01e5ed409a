"""What the tests of the data checks share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Great Expectations takes seconds to import: once, before a test's time is measured."""
    from data_checks.quiet import great_expectations

    great_expectations()
