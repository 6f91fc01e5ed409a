"""Automated responses: frozen releases and rollbacks, each once per episode, with the episode as their cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perennial.clock import instant, write_instant
from perennial.errors import HeldBack, ModelUnloadable
from perennial.ledger.entries import (
    Cycle,
    Decision,
    Episode,
    Health,
    Recorded,
    Release,
    ReleasesFrozen,
    RollbackNotPossible,
    Severity,
)
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import (
    blend_due,
    current_release,
    freezes,
    frozen_decision,
    release_to_watch,
    undone_decision,
)
from perennial.release.freeze import resume
from perennial.release.promote import approve, release_decided
from perennial.release.respond import respond
from perennial.release.rollback import roll_back
from perennial.usecase.declared_alerts import Responses
from tests.release.payloads import challenger, decision

NOW = datetime(2024, 6, 1, tzinfo=UTC)
BOTH = Responses(warning=("freeze",), page=("roll_back",))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two versions have been released, the second is live."""
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for number in (1, 2):
        release_decided(made, decided(made, number))
    return made


def decided(ledger: Ledger, number: int, outcome: str = "release", release_no: int | None = None) -> Decision:
    entry = challenger(f"c{number}", number)
    ledger.append("shop", entry)
    live = number - 1 if release_no is None else release_no
    at = write_instant(NOW + timedelta(days=30 * min(0, number - 3)))
    said = decision(f"d{number}", entry, live).model_copy(
        update={
            "as_of": at,
            "outcome": outcome if live else "first",
        }
    )
    ledger.append("shop", said)
    return said


def episode(name: str = "level@1", release_no: int = 2) -> Episode:
    return Episode(
        episode=name,
        channel="level",
        opened_at=write_instant(NOW),
        batch="b",
        release_no=release_no,
        detail="The champion got worse.",
    )


def happens(ledger: Ledger, about: Episode, severity: Severity = "page", responses: Responses = BOTH) -> list[Recorded]:
    return respond(ledger, "shop", responses, about, severity, NOW, "b", lambda release: None)


def test_while_releases_are_frozen_a_decision_is_made_and_not_carried_out(ledger: Ledger) -> None:
    happens(ledger, episode(), "warning")
    said = decided(ledger, 3)
    assert undone_decision(ledger, "shop") is None, "nothing is left half done: doctor repairs nothing"
    assert frozen_decision(ledger, "shop") == said
    with pytest.raises(HeldBack, match="frozen since 2024-06-01 because of episode level@1"):
        release_decided(ledger, said)
    assert len(ledger.all("shop", Release)) == 2


def test_a_resumed_release_is_live_from_then_and_names_who_resumed(ledger: Ledger) -> None:
    happens(ledger, episode(), "warning")
    said = decided(ledger, 3)
    later = NOW + timedelta(days=9)
    assert [each.episode for each in resume(ledger, "shop", "Ada", "repaired", later)] == ["level@1"]
    assert undone_decision(ledger, "shop") == said
    made = release_decided(ledger, said).payload
    assert (made.release_no, instant(made.as_of)) == (3, later)
    assert made.reason.startswith("Releases were resumed by Ada: repaired. ")
    happens(ledger, episode("level@2", 3), "warning")
    resume(ledger, "shop", "Ben", "again", later + timedelta(days=1))
    assert release_decided(ledger, said).payload == made, "repeated, it is the same release"


def test_only_the_newest_decision_is_carried_out_after_a_freeze(ledger: Ledger) -> None:
    happens(ledger, episode(), "warning")
    decided(ledger, 3)
    decided(ledger, 4, "keep", release_no=2)
    resume(ledger, "shop", "Ada", "repaired", NOW)
    assert undone_decision(ledger, "shop") is None


def test_a_freeze_is_ended_once_and_the_same_episode_does_not_freeze_again(ledger: Ledger) -> None:
    for _ in range(3):
        happens(ledger, episode(), "warning")
    assert len(ledger.all("shop", ReleasesFrozen)) == 1
    resume(ledger, "shop", "Ada", "repaired", NOW)
    assert resume(ledger, "shop", "Ada", "repaired", NOW) == []
    happens(ledger, episode(), "page", Responses(warning=("freeze",)))
    assert freezes(ledger, "shop") == []


def test_nothing_is_approved_while_releases_are_frozen_but_a_person_can_roll_back(ledger: Ledger) -> None:
    said = decided(ledger, 3, "held")
    happens(ledger, episode(), "warning")
    with pytest.raises(HeldBack) as refused:
        approve(ledger, said, "Ada", "seen", NOW)
    assert refused.value.code == "releases-frozen"
    assert roll_back(ledger, "shop", NOW, "complaints").live.champion.model.version == 1


def test_a_blend_does_not_change_while_releases_are_frozen(ledger: Ledger) -> None:
    happens(ledger, episode(), "warning")
    assert blend_due(ledger, "shop") is None


def test_a_page_rolls_back_once_with_the_episode_as_its_cause(ledger: Ledger) -> None:
    for _ in range(3):
        happens(ledger, episode())
    releases = [row.payload for row in ledger.all("shop", Release)]
    assert [(each.kind, each.cause, each.champion.model.version) for each in releases] == [
        ("first", None, 1),
        ("release", None, 2),
        ("rollback", "level@1", 1),
    ]
    assert releases[-1].reason == "The champion got worse."


def test_a_restored_model_is_not_rolled_back_by_itself(ledger: Ledger) -> None:
    happens(ledger, episode())
    happens(ledger, episode("level@2", 3))
    assert [row.payload.why for row in ledger.all("shop", RollbackNotPossible)] == [
        "shop: release 3 is itself a rollback; going further back takes a person"
    ]


def test_without_a_former_release_it_is_recorded_that_nothing_can_be_rolled_back(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'first.db'}")
    release_decided(ledger, decided(ledger, 1))
    for _ in range(2):
        happens(ledger, episode(release_no=1))
    (row,) = ledger.all("shop", RollbackNotPossible)
    assert "there is no previous champion to roll back to" in row.payload.why
    assert len(ledger.all("shop", Release)) == 1


def test_an_episode_of_a_former_champion_rolls_nothing_back(ledger: Ledger) -> None:
    happens(ledger, episode(release_no=1))
    assert [row.payload.why for row in ledger.all("shop", RollbackNotPossible)] == [
        "shop: the model that the episode is about is no longer live"
    ]


def test_a_former_model_that_cannot_be_loaded_is_not_brought_back(ledger: Ledger) -> None:
    def gone(_: Release) -> object:
        raise ModelUnloadable("version 1 is gone")

    respond(ledger, "shop", BOTH, episode(), "page", NOW, "b", gone)
    live = current_release(ledger, "shop")
    assert live is not None
    assert live.champion.model.version == 2
    assert [row.payload.why for row in ledger.all("shop", RollbackNotPossible)] == ["version 1 is gone"]


def test_info_never_does_anything(ledger: Ledger) -> None:
    assert happens(ledger, episode(), "info", Responses(warning=("freeze", "roll_back"), page=("freeze",))) == []


def test_a_cycle_that_died_after_a_rollback_watches_the_same_model_again(ledger: Ledger) -> None:
    happens(ledger, episode())
    watched = release_to_watch(ledger, "shop", NOW)
    assert watched is not None
    assert watched.release_no == 2
    health = Health(
        usecase="shop",
        batch="b",
        as_of=write_instant(NOW),
        rows=1,
        labelled_rows=0,
        loss=None,
        unseen_share=None,
        alarms=(),
        action="none",
    )
    ledger.append(
        "shop",
        Cycle(
            batch="b", as_of=write_instant(NOW), decision=None, challenger=None, health=health, waits="", not_trained=""
        ),
    )
    watched = release_to_watch(ledger, "shop", NOW + timedelta(days=30))
    assert watched is not None
    assert watched.release_no == 3
