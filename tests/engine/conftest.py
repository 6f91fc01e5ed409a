"""The shop after one good month, and a Dask cluster on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bad_input.conftest import imported, january, shop
from tests.dask_cluster import Cluster, dask_cluster

__all__ = ["cluster", "imported", "january", "shop", "started"]


@pytest.fixture(scope="package")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as cluster:
        yield cluster


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    """Two workers again, if a test has ended one."""
    started.work(2 - started.alive)
    return started
