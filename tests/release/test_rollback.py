"""Going back once, however often it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from perennial.clock import instant
from perennial.errors import HeldBack, InputError, LedgerBroken
from perennial.ledger.entries import Release
from perennial.ledger.ledger import Ledger
from perennial.release.rollback import roll_back
from tests.ledger.payloads import one_of_each
from tests.ledger.test_ledger import behind_its_back
from tests.release.test_promote import released, serving

NOW = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Three versions were released, one after the other."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    released(ledger, 1, 2, 3)
    return ledger


@pytest.mark.parametrize("seen", [None, 3])
def test_a_repeated_rollback_goes_back_once_whatever_the_clock(ledger: Ledger, seen: int | None) -> None:
    first = roll_back(ledger, "shop", NOW, "it went bad", seen)
    assert (first.made, first.taken_back.release_no, serving(ledger)) == (True, 3, (4, 2))
    for days in (0, 14):
        again = roll_back(ledger, "shop", NOW + timedelta(days=days), "it went bad", seen)
        assert (again.made, again.row, again.live) == (False, first.row, first.row.payload)
    assert serving(ledger) == (4, 2)


def test_repeated_after_a_later_release_it_leaves_that_one_alone(ledger: Ledger) -> None:
    roll_back(ledger, "shop", NOW, "it went bad")
    released(ledger, 5)
    again = roll_back(ledger, "shop", NOW, "it went bad")
    assert (again.made, again.row.payload.release_no, again.live.release_no) == (False, 4, 5)
    assert serving(ledger) == (5, 5)


def test_further_back_needs_the_number_of_the_rollback(ledger: Ledger) -> None:
    roll_back(ledger, "shop", NOW, "it went bad")
    with pytest.raises(
        HeldBack, match=r"release 4 is live and is itself a rollback: it restored version 2 .* name release 4"
    ):
        roll_back(ledger, "shop", NOW, "still bad")
    roll_back(ledger, "shop", NOW, "still bad", 4)
    assert serving(ledger) == (5, 1)


def test_what_was_released_after_the_request_is_not_rolled_back(ledger: Ledger) -> None:
    """A requested run waits for the cycle, which may release a better model in the meantime."""
    asked_at = instant(ledger.all("shop", Release)[-1].recorded_at)
    released(ledger, 4)
    with pytest.raises(HeldBack, match=r"release 4 is live and was made after this rollback was requested"):
        roll_back(ledger, "shop", NOW, "version 3 is bad", asked_at=asked_at - timedelta(seconds=1))
    assert serving(ledger) == (4, 4)
    asked_at = instant(ledger.all("shop", Release)[-1].recorded_at)
    for days in (0, 1):
        roll_back(ledger, "shop", NOW + timedelta(days=days), "version 4 is bad", asked_at=asked_at)
        assert serving(ledger) == (5, 3), "a repeated run finds its own rollback"


def test_a_release_that_never_was_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="shop has no release 9; release 3 is live"):
        roll_back(ledger, "shop", NOW, "it went bad", 9)


def test_a_former_champion_that_cannot_be_loaded_is_not_brought_back(ledger: Ledger) -> None:
    def gone(former: Release) -> None:
        raise FileNotFoundError(former.versions)

    with pytest.raises(FileNotFoundError, match="version 2"):
        roll_back(ledger, "shop", NOW, "it went bad", try_out=gone)
    assert serving(ledger) == (3, 3)


def test_nothing_is_brought_back_on_a_broken_chain(ledger: Ledger) -> None:
    behind_its_back(ledger, "UPDATE entries SET payload = replace(payload, '0.5', '0.4') WHERE position = 2")
    with pytest.raises(LedgerBroken, match=r"row 2 of the ledger \(decision d1\) was changed"):
        roll_back(ledger, "shop", NOW, "it went bad")
    assert serving(ledger) == (3, 3)


def test_what_belongs_to_one_release_alone_is_not_copied_into_the_next() -> None:
    made = one_of_each()["release"]
    assert isinstance(made, Release)
    own = {"decision": "d", "restores": 1, "cause": "e", "by": "Ada", "look": "l", "live_since": made.as_of}
    followed = made.model_copy(update=own).for_the_next
    cleared = {name for name in own if getattr(followed, name) is None}
    optional = {name for name, field in Release.model_fields.items() if type(None) in get_args(field.annotation)}
    assert cleared == set(own) == optional - {"candidate", "tested"}, "a new field is cleared, or named here"
    assert followed.serves == made.serves and followed.reference == made.reference
