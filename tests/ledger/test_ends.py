"""The ends of all chains are read at once, and are those of each chain."""

from __future__ import annotations

from perennial.ledger.ends import ends
from perennial.ledger.ledger import Ledger
from tests.ledger.payloads import declaration


def test_the_ends_of_all_chains_are_those_of_each(ledger: Ledger) -> None:
    assert ends(ledger) == {}
    for usecase, rows in {"b": 2, "a": 1, "c-1": 3, "Z": 1}.items():
        for number in range(rows):
            ledger.append(usecase, declaration(number))
    read = ends(ledger)
    assert {usecase: position for usecase, (position, _) in read.items()} == {"a": 1, "b": 2, "c-1": 3, "Z": 1}
    for usecase, (position, hash_) in read.items():
        newest = ledger.newest(usecase)
        assert newest is not None and (newest.position, newest.hash) == (position, hash_)
