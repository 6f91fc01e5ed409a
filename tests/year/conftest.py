"""The year is replayed once for all tests of this folder's modules that ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.year.replay import Year, replayed_year


@pytest.fixture(scope="package")
def year(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with replayed_year(tmp_path_factory.mktemp("year")) as replayed:
        yield replayed
