"""The chain before a release, and against a head that was kept elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.errors import InputError, LedgerBroken
from perennial.ledger.chain import Head, parse_head
from perennial.ledger.ledger import CHECKED, Ledger
from tests.ledger.payloads import declaration
from tests.ledger.test_ledger import behind_its_back

ROWS = 2 * CHECKED + 300


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A chain of many rows."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('long') / 'ledger.db'}")
    behind_its_back(ledger, "PRAGMA synchronous=OFF")
    for number in range(ROWS):
        ledger.append("shop", declaration(number))
    return ledger


def copy_of(ledger: Ledger, folder: Path) -> Ledger:
    """The same chain in a file of the test's own."""
    behind_its_back(ledger, f"VACUUM INTO '{folder / 'copy.db'}'")
    return Ledger(f"sqlite:///{folder / 'copy.db'}")


def rows_read(ledger: Ledger, release_no: int) -> int:
    """How many rows of the table the check before a release reads."""
    read = 0

    def count(*arguments: object) -> None:
        nonlocal read
        read += 1

    from perennial.ledger import chain

    former = chain._is_intact
    chain._is_intact = lambda *row: (count(), former(*row))[1]  # type: ignore[assignment,func-returns-value]
    try:
        ledger.verify_for_release("shop", release_no)
    finally:
        chain._is_intact = former
    return read


def test_the_check_before_a_release_costs_the_same_however_long_the_chain(long: Ledger) -> None:
    assert {rows_read(long, number) <= 2 * CHECKED for number in range(8)} == {True}
    assert max(rows_read(long, number) for number in range(8)) == 2 * CHECKED


@pytest.mark.parametrize("position", [1, 2, CHECKED - 1, CHECKED, CHECKED + 1, ROWS - CHECKED, ROWS - 1, ROWS])
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_a_broken_row_stops_one_of_the_next_releases_wherever_it_is(
    long: Ledger, tmp_path: Path, position: int, how: str
) -> None:
    if (position, how) == (ROWS, "removed"):
        pytest.skip("a cut tail shows against a head only")
    broken = copy_of(long, tmp_path)
    change = "UPDATE entries SET payload = '{}'" if how == "changed" else "DELETE FROM entries"
    behind_its_back(broken, f"{change} WHERE position = {position}")
    stopped = []
    for number in range(1, 4):
        try:
            broken.verify_for_release("shop", number)
        except LedgerBroken as error:
            stopped.append(str(error))
    assert stopped and all(f"row {position} of the ledger" in told for told in stopped)


def test_the_row_that_a_release_rests_on_is_checked_however_old(long: Ledger, tmp_path: Path) -> None:
    broken = copy_of(long, tmp_path)
    behind_its_back(broken, "UPDATE entries SET payload = '{}' WHERE position = 7")
    spared = next(number for number in range(1, 4) if not _stops(broken, number))
    with pytest.raises(LedgerBroken, match="row 7 of the ledger"):
        broken.verify_for_release("shop", spared, [7])


def test_a_row_that_was_found_intact_is_not_hashed_again_until_it_changes(ledger: Ledger) -> None:
    from perennial.ledger import chain

    for number in range(5):
        ledger.append("shop", declaration(number))
    ledger.verify_for_release("shop", 1)
    hashed = chain._is_intact.cache_info().misses
    ledger.append("shop", declaration(5))
    ledger.verify_for_release("shop", 2)
    assert chain._is_intact.cache_info().misses == hashed + 1, "only the new row"
    behind_its_back(ledger, "UPDATE entries SET recorded_at = recorded_at || ' ' WHERE position = 3")
    assert _stops(ledger, 2), "a row that this process knows was changed"


def _stops(ledger: Ledger, release_no: int) -> bool:
    try:
        ledger.verify_for_release("shop", release_no)
    except LedgerBroken:
        return True
    return False


def test_a_cut_tail_shows_against_a_head_that_was_kept(ledger: Ledger) -> None:
    for number in range(5):
        ledger.append("shop", declaration(number))
    newest = ledger.newest("shop")
    assert newest is not None
    kept = parse_head(newest.head)
    assert ledger.verify("shop", kept) == 5
    ledger.append("shop", declaration(5))
    assert ledger.verify("shop", parse_head(f"5:{newest.hash[:16]}…")) == 6
    behind_its_back(ledger, "DELETE FROM entries WHERE position > 3")
    assert ledger.verify("shop") == 3, "the chain alone does not show it"
    with pytest.raises(LedgerBroken, match="the ledger was truncated: it ends at row 3, but row 5 with hash"):
        ledger.verify("shop", kept)


def test_a_chain_that_was_written_anew_shows_against_a_head_that_was_kept(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(3):
        ledger.append("shop", declaration(number))
    newest = ledger.newest("shop")
    assert newest is not None
    other = Ledger(f"sqlite:///{tmp_path / 'other.db'}")
    for number in range(3):
        other.append("shop", declaration(number + 10))
    assert other.verify("shop") == 3
    with pytest.raises(LedgerBroken, match=r"row 3 of the ledger has the hash .* the chain was rewritten"):
        other.verify("shop", parse_head(newest.head))


@pytest.mark.parametrize("text", ["", "62", "62:", "62:37a6", "0:37a637a6", "x:37a637a6", "62:37A637A6", "62 37a637a6"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^head: "):
        parse_head(text)
    assert parse_head("62:37a637a6…") == Head(62, "37a637a6")
