"""A fit and a prediction take no more threads than the settings allow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info

from perennial.model.threads import bounded_threads
from perennial.settings import allow_threads, allowed_threads, settings
from perennial.store.workspace import open_workspace


@pytest.fixture
def as_before() -> Iterator[None]:
    before = allowed_threads()
    yield
    allow_threads(before)


@pytest.mark.usefixtures("world", "as_before")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_opening_a_home_sets_how_many(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sklearn.ensemble  # noqa: F401 - loads OpenMP and BLAS

    monkeypatch.setenv("PERENNIAL_THREADS", threads)
    open_workspace(settings())
    with bounded_threads():
        inside = {pool["num_threads"] for pool in threadpool_info()}
    assert inside and max(inside) <= int(threads) == allowed_threads()
