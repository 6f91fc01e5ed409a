"""`decision ID` shows what came of a decision, true of the ledger at that moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.cli.left_undone import left_in_words
from perennial.cli.what_followed import what_followed
from perennial.governance.tier import TWO_PERSONS
from perennial.ledger.entries import Decision, DeclarationEntry, Mixture, ReleasesFrozen, Served
from perennial.ledger.ledger import Ledger
from perennial.release.promote import approve, release_decided
from perennial.release.rollback import roll_back
from perennial.release.stages import go_on
from tests.evaluation.conftest import primary_of
from tests.ledger.payloads import batch
from tests.release.payloads import AS_OF, challenger, decision

NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def trained(ledger: Ledger, number: int) -> None:
    ledger.append("shop", challenger(f"c{number}", number))


def decided(ledger: Ledger, number: int, outcome: str, release_no: int, id: str = "", waits: bool = False) -> Decision:
    """A decision about a challenger that was trained before."""
    said = decision(id or f"d{number}", challenger(f"c{number}", number), release_no)
    policy = said.policy.model_copy(update={"waits": waits})
    said = said.model_copy(update={"outcome": outcome, "policy": policy})
    ledger.append("shop", said)
    return said


def followed(ledger: Ledger, said: Decision) -> str:
    return " ".join(what_followed(ledger, said))


def test_a_release_is_live_until_another_takes_its_place_and_again_after_a_rollback(ledger: Ledger) -> None:
    trained(ledger, 1)
    first = decided(ledger, 1, "first", 0)
    assert followed(ledger, first) == "The release is not carried out yet. The next run does it: perennial run shop"
    release_decided(ledger, first)
    assert followed(ledger, first).startswith("Version 1 is live since 2024-03-01 (release 1). Each new batch")
    trained(ledger, 2)
    release_decided(ledger, decided(ledger, 2, "release", 1))
    was = "Version 1 was live from 2024-03-01 (release 1) until 2024-03-01, when release 2 (version 2) took its place"
    assert followed(ledger, first) == f"{was}."
    roll_back(ledger, "shop", NOW, "complaints")
    assert followed(ledger, first) == f"{was}; it is live again."


def test_each_version_of_a_mixture_that_went_live_is_named(ledger: Ledger) -> None:
    trained(ledger, 1)
    release_decided(ledger, decided(ledger, 1, "first", 0))
    trained(ledger, 2)
    first, second = (Served(model=challenger(f"c{n}", n).model, challenger=f"c{n}", weight=0.5) for n in (1, 2))
    said = decision("d2", challenger("c2", 2), 1).model_copy(
        update={"outcome": "release", "mixture": Mixture(members=(second, first), challenger=primary_of(0.1))}
    )
    ledger.append("shop", said)
    release_decided(ledger, said)
    began = "Version 2 (50 %) and version 1 (50 %) are live since 2024-03-01 (release 2)."
    assert followed(ledger, said).startswith(began)


def test_an_undecided_challenger_waits_or_is_followed_by_the_next(ledger: Ledger) -> None:
    trained(ledger, 1)
    once = decided(ledger, 1, "undecided", 0, waits=True)
    assert followed(ledger, once) == "Version 1 waits. It is evaluated again when more labels are known."
    twice = decided(ledger, 1, "undecided", 0, id="d1again")
    assert followed(ledger, once) == "Version 1 was evaluated again on batch 2024-02: undecided (decision d1again)."
    assert followed(ledger, twice) == "The next challenger is evaluated on rows that come after its training."
    trained(ledger, 2)
    assert followed(ledger, twice).startswith("Version 2 was trained next")


def test_a_held_decision_has_the_command_that_releases_and_then_who_approved(ledger: Ledger) -> None:
    trained(ledger, 1)
    held = decided(ledger, 1, "held", 0)
    to_release = "A person decides. To release version 1: perennial approve d1 --by NAME --reason TEXT"
    assert followed(ledger, held) == to_release
    approve(ledger, held, "Ada", "seen", NOW)
    said = followed(ledger, held)
    assert said.startswith("Approved by Ada on 2024-06-01: seen. Version 1 is live since 2024-06-01 (release 1).")


def test_with_roles_and_a_tier_a_held_decision_names_who_approves_and_what_is_written_before(ledger: Ledger) -> None:
    trained(ledger, 1)
    declared = {"governance": {"approvers": {"owner": ["anna"], "risk": ["ben", "carla"]}}}
    ledger.append("shop", DeclarationEntry(digest="with roles", declaration=declared))
    ledger.append("shop", batch("2024-02", declaration_digest="with roles"))
    held = decided(ledger, 1, "held", 0)
    command = "perennial approve d1 --reason TEXT, once given by owner (anna), risk (ben or carla)"
    assert followed(ledger, held).endswith(f"To release version 1: {command}")
    tier = held.model_copy(update={"held_for": ("intended purpose (governance.purpose)", TWO_PERSONS)})
    before = "the declaration's risk tier requires before: intended purpose (governance.purpose)"
    (left,) = left_in_words(ledger, "shop", [], [], tier)
    assert left.endswith(f" releases version 1, once given by owner (anna), risk (ben or carla)\n  {before}")


def test_a_freeze_that_keeps_a_release_back_has_the_command_that_ends_it(ledger: Ledger) -> None:
    trained(ledger, 1)
    said = decided(ledger, 1, "first", 0)
    ledger.append("shop", ReleasesFrozen(episode="level@1", as_of=AS_OF, batch="b", detail="worse"))
    shown = followed(ledger, said)
    assert shown.startswith("Not released: releases are frozen since 2024-03-01 because of episode level@1.")
    assert shown.endswith("perennial resume shop --by NAME --reason TEXT")


def test_a_candidate_is_not_called_live_before_its_last_stage(ledger: Ledger) -> None:
    said = staged(ledger)
    shadow = "Version 2 is in a shadow since 2024-03-01, at least until 2024-03-08; version 1 is live meanwhile."
    assert followed(ledger, said) == shadow
    go_on(ledger, "shop", 2, NOW, "Ada", "no traffic in summer")
    assert followed(ledger, said).startswith("Version 2 is live since 2024-06-01 (release 3).")


def test_a_candidate_that_was_taken_away_has_the_release_that_did_it_with_the_reason(ledger: Ledger) -> None:
    said = staged(ledger)
    roll_back(ledger, "shop", NOW, "complaints")
    tried = "Version 2 was tried from 2024-03-01 until 2024-06-01, when release 3 took it away: complaints"
    assert followed(ledger, said) == tried


def staged(ledger: Ledger) -> Decision:
    """The decision whose version 2 is in a shadow beside version 1."""
    for number in (1, 2):
        trained(ledger, number)
        said = decision(f"d{number}", challenger(f"c{number}", number), number - 1)
        rules = said.policy.model_copy(update={"parameters": {"stages": [{"shadow": "7d"}, "full"]}})
        said = said.model_copy(update={"policy": rules})
        ledger.append("shop", said)
        release_decided(ledger, said)
    return said
