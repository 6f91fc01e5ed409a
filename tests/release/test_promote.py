"""Releasing and going back, as the ledger sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.clock import instant, write_instant
from perennial.errors import InputError, LedgerBroken, ReleaseLost
from perennial.ledger.entries import Approval, Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, undone_decision
from perennial.release.promote import approve, release_blend, release_decided
from perennial.release.rollback import roll_back
from tests.ledger.test_ledger import behind_its_back
from tests.release.payloads import challenger, decision

NOW = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def released(ledger: Ledger, *versions: int) -> None:
    """Release one version after the other."""
    for version in versions:
        serving = current_release(ledger, "shop")
        model = challenger(f"c{version}", version)
        said = decision(f"d{version}", model, serving.release_no if serving else 0)
        ledger.append("shop", model)
        ledger.append("shop", said)
        release_decided(ledger, said)


def serving(ledger: Ledger) -> tuple[int, int]:
    """(release number, version)."""
    release = current_release(ledger, "shop")
    assert release is not None
    return release.release_no, release.serves[0].model.version


def test_carrying_a_decision_out_twice_releases_once(ledger: Ledger) -> None:
    released(ledger, 1)
    said = decision("d1", challenger("c1", 1), 0)
    assert release_decided(ledger, said) == release_decided(ledger, said)
    assert serving(ledger) == (1, 1)


def test_each_rollback_goes_one_further_back_with_features_data_and_reference(ledger: Ledger) -> None:
    released(ledger, 1, 2, 3)
    originals = {r.payload.release_no: r.payload for r in ledger.all("shop", Release)}
    for number, restores in ((4, 2), (5, 1)):
        made = roll_back(ledger, "shop", NOW, "it went bad", seen=number - 1).row.payload
        former = originals[restores]
        assert (made.release_no, made.kind, made.restores, made.reason) == (number, "rollback", restores, "it went bad")
        assert made.serves == former.serves
        assert (made.features_digest, made.snapshot, made.reference) == (
            former.features_digest,
            former.snapshot,
            former.reference,
        )
    with pytest.raises(InputError, match="no previous champion to roll back to"):
        roll_back(ledger, "shop", NOW, "once more", seen=5)
    assert serving(ledger) == (5, 1)


def test_a_release_after_a_rollback_is_what_the_next_rollback_undoes(ledger: Ledger) -> None:
    released(ledger, 1, 2)
    roll_back(ledger, "shop", NOW, "bad", seen=2)
    released(ledger, 3)
    assert serving(ledger) == (4, 3)
    roll_back(ledger, "shop", NOW, "bad too", seen=4)
    assert serving(ledger) == (5, 1)


def test_the_first_release_cannot_be_rolled_back(ledger: Ledger) -> None:
    released(ledger, 1)
    with pytest.raises(InputError, match="none was live before release 1"):
        roll_back(ledger, "shop", NOW, "bad", seen=1)


def test_a_person_who_saw_another_live_release_loses(ledger: Ledger) -> None:
    released(ledger, 1, 2)
    with pytest.raises(ReleaseLost, match=r"release 2 was made first, .* by decision d2 \(version 2 is live\)"):
        roll_back(ledger, "shop", NOW, "bad", seen=1)


def test_a_decision_against_a_former_champion_releases_nothing(ledger: Ledger) -> None:
    released(ledger, 1)
    late = challenger("late", 9)
    ledger.append("shop", late)
    said = decision("dlate", late, release_no=0)
    with pytest.raises(ReleaseLost, match=r"by decision d1 \(version 1 is live\), so this release was not made"):
        release_decided(ledger, said)
    assert serving(ledger) == (1, 1)


def test_a_decision_whose_release_is_missing_is_found(ledger: Ledger) -> None:
    released(ledger, 1)
    assert undone_decision(ledger, "shop") is None
    model = challenger("c2", 2)
    said = decision("d2", model, 1)
    ledger.append("shop", model)
    ledger.append("shop", said)
    assert undone_decision(ledger, "shop") == said
    roll = challenger("c3", 3)
    ledger.append("shop", roll)
    release_decided(ledger, decision("d3", roll, 1))
    assert undone_decision(ledger, "shop") is None, "another release followed: the decision lost"


def test_only_a_held_decision_can_be_approved_and_only_while_its_champion_is_live(ledger: Ledger) -> None:
    released(ledger, 1)
    model = challenger("c2", 2)
    ledger.append("shop", model)
    kept = decision("dkept", model, 1).model_copy(update={"outcome": "keep"})
    with pytest.raises(InputError, match="only a held decision can be approved"):
        approve(ledger, kept, "Ada", "please", NOW)
    held = decision("dheld", model, 1).model_copy(update={"outcome": "held"})
    with pytest.raises(ValueError, match="releases nothing"):
        release_decided(ledger, held)
    released(ledger, 3)
    with pytest.raises(ReleaseLost, match="taken against release 1, but release 2 is live now"):
        approve(ledger, held, "Ada", "too late", NOW)
    assert serving(ledger) == (2, 3)


def held_decision(ledger: Ledger) -> Decision:
    """A decision that was left to a person."""
    released(ledger, 1)
    model = challenger("c2", 2)
    ledger.append("shop", model)
    held = decision("dheld", model, 1).model_copy(update={"outcome": "held"})
    ledger.append("shop", held)
    return held


def test_what_was_approved_is_live_since_the_approval_and_by_whoever_came_first(ledger: Ledger) -> None:
    held = held_decision(ledger)
    weeks_later = instant(held.as_of) + timedelta(weeks=5)
    approval, row = approve(ledger, held, "Ada", "seen", weeks_later)
    assert row.payload.as_of == write_instant(weeks_later)
    assert row.payload.reason == "Approved by Ada: seen. The comparison: dheld shows it"
    again, same = approve(ledger, held, "Bob", "me too", weeks_later + timedelta(days=1))
    assert (again, same) == (approval, row)
    assert (again.by, again.reason) == ("Ada", "seen")
    assert serving(ledger) == (2, 2)


def test_an_approval_found_after_a_later_release_is_reported_as_it_was(ledger: Ledger) -> None:
    held = held_decision(ledger)
    _, made = approve(ledger, held, "Ada", "seen", NOW)
    released(ledger, 3)
    approval, row = approve(ledger, held, "Bob", "me too", NOW)
    assert (approval.by, row) == ("Ada", made)
    assert serving(ledger) == (3, 3)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE entries SET payload = '{}' WHERE key = 'c1'", "DELETE FROM entries WHERE position = 2"],
)
@pytest.mark.parametrize("way", ["decided", "approved", "blended"])
def test_nothing_is_released_on_a_broken_chain(ledger: Ledger, statement: str, way: str) -> None:
    held = held_decision(ledger)
    blending = held.policy.model_copy(update={"refit_weight": 0.5})
    says: dict[str, dict[str, Any]] = {
        "decided": {"outcome": "release"},
        "approved": {},
        "blended": {"outcome": "keep", "policy": blending},
    }
    said = held.model_copy(update={"id": f"d{way}", **says[way]})
    ledger.append("shop", said)
    ledger.append("shop", challenger("c4", 4))
    rows = len(ledger.all("shop", Release))
    behind_its_back(ledger, statement)
    with pytest.raises(LedgerBroken, match="nothing is released until then"):
        if way == "decided":
            release_decided(ledger, said)
        elif way == "approved":
            approve(ledger, said, "Ada", "seen", NOW)
        else:
            release_blend(ledger, "shop", NOW)
    assert len(ledger.all("shop", Release)) == rows
    assert ledger.get("shop", Approval, said.id) is None
