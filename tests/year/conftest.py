"""The year is replayed once for all tests of this folder's modules that ask for it."""

from __future__ import annotations

import pytest

from tests.year.replay import Year, replay


@pytest.fixture(scope="session")
def year(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Year:
    return replay(tmp_path_factory.mktemp("year"))
