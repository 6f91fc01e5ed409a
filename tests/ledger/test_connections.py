"""Within a step, the ledger keeps a connection but nothing that it read."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from perennial.ledger.connections import one_connection
from perennial.ledger.ledger import Ledger
from tests.ledger.payloads import declaration


def test_a_step_keeps_its_connection_and_sees_what_others_write_meanwhile(ledger: Ledger) -> None:
    log = Path(f"{ledger.url.removeprefix('sqlite:///')}-wal")
    with one_connection():
        assert ledger.newest("a") is None
        assert log.exists()
        other = Thread(target=ledger.append, args=("a", declaration(1)))
        other.start()
        other.join()
        assert [row.position for row in ledger.all("a", type(declaration(1)))] == [1]
        ledger.append("a", declaration(2))
        assert Ledger(ledger.url).newest("a") == ledger.newest("a")
    assert not log.exists()  # the file is whole without its log once the last connection is closed
