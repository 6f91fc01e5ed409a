"""Pages of machines that share a ledger on PostgreSQL: each writes its own, from the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.ledger.ledger import Ledger
from perennial.processes.fresh_pages import FreshPages
from perennial.settings import prepare_home, settings
from perennial.store.lease import only_one_of_all
from tests.ledger.payloads import batch
from tests.world import World

pytestmark = [pytest.mark.extended, pytest.mark.timeout(300)]


def test_a_site_shows_what_another_machine_decided(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = World(tmp_path / "usecases").declare()
    monkeypatch.setenv("PERENNIAL_USECASES", str(shop.usecases))
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", database)
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "one"))
    where = settings()
    prepare_home(where)
    pages, ledger = FreshPages(where), Ledger(database)
    page = where.pages / "shop.html"
    pages.renew()
    assert not page.exists(), "nothing has happened yet"
    for window in ("2024-01", "2024-02"):
        ledger.append("shop", batch(window))  # as by another machine
        with only_one_of_all(ledger, "shop", "run", seconds=0):
            pages.renew()
            assert not page.exists() or window not in page.read_text(), "the run is not over"
        pages.renew()
        assert window in page.read_text() and "shop" in (where.pages / "index.html").read_text()
    written = page.stat().st_mtime_ns
    pages.renew()
    assert page.stat().st_mtime_ns == written
