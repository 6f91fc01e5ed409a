"""A ledger on PostgreSQL is anchored, and a cut tail shows, as on SQLite."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from perennial.errors import LedgerBroken
from tests.anchors.conftest import Kept, in_file  # noqa: F401

pytestmark = [pytest.mark.extended, pytest.mark.timeout(300)]


def test_a_tail_that_was_cut_behind_the_triggers_shows(in_file: Kept, database: str) -> None:  # noqa: F811
    kept = replace(in_file, database=database)
    kept.grow(9)
    assert kept.anchor().position == 9
    assert [chain.rows for chain in kept.verify()] == [9]
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE entries DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM entries WHERE position > 7"))
    engine.dispose()
    assert kept.ledger.verify("shop") == 7
    with pytest.raises(LedgerBroken, match="truncated after row 7"):
        kept.verify()
