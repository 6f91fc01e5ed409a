"""A full disk: reported with how to fix it, nothing lost, and the same command continues afterwards."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perennial.errors import DiskFull
from perennial.ledger.entries import BatchEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import take_in
from tests.world import World


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes; the system then reports the same as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write", ["landing", "accepted table"])
def test_a_full_disk_is_reported_and_the_same_command_continues(shop: World, write: str) -> None:
    from tasks.batches import land, validate

    shop.rows_a_day = 800
    rows = shop.month("2024-02")
    told = rf"disk is full.*: {write} could not be written\n.*safe.*PERENNIAL_HOME.*run the same command again"
    if write == "landing":
        with files_up_to(500_000), pytest.raises(DiskFull, match=told):
            land.fn("shop", "2024-02")
    else:
        landing = land.fn("shop", "2024-02")
        with files_up_to(60_000), pytest.raises(DiskFull, match=told):
            validate.fn("shop", "2024-02", landing)
    ledger = open_workspace(settings()).ledger
    assert [r.payload.window for r in ledger.all("shop", BatchEntry)] == ["2024-01"]

    batch = take_in("2024-02")
    assert (batch.status, batch.rows.accepted) == ("accepted", len(rows))
    assert open_workspace(settings()).tables.count("shop", "accepted", batch.batch) == len(rows)
    assert ledger.verify("shop") > 0
