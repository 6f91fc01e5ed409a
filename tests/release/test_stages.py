"""A candidate in stages, as the ledger sees it: each change is one release, each way back leads to the champion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from perennial.clock import write_instant
from perennial.errors import HeldBack, InputError, ReleaseLost
from perennial.evaluation.staged.results import Look, StageVerdict
from perennial.ledger.entries import Decision, Episode, EpisodeClosed, Release, ReleasesFrozen, StageLooked
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import current_release, made_live, release_to_watch, undone_decision
from perennial.release.aborted import abort_reports
from perennial.release.looked import looked_in_cycle
from perennial.release.promote import models_beside, release_decided
from perennial.release.respond import respond
from perennial.release.rollback import roll_back
from perennial.release.stages import NoStage, follow_look, go_on, looks_of, running, undone_look
from perennial.usecase.declared_alerts import Responses
from tests.ledger.payloads import batch, one_of_each
from tests.release.payloads import challenger, decision

NOW = datetime(2024, 6, 1, tzinfo=UTC)
STAGES = [{"shadow": "7d"}, {"canary": 0.1, "for": "7d"}, "full"]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Version 1 is live, and version 2 is in its shadow."""
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for number in (1, 2):
        release_decided(made, decided(made, number, number - 1))
    return made


def decided(ledger: Ledger, number: int, live: int) -> Decision:
    """A decision with declared stages to release the version of that number in place of release `live`."""
    entry, said = challenger(f"c{number}", number), decision(f"d{number}", challenger(f"c{number}", number), live)
    rules = said.policy.model_copy(update={"parameters": {"stages": STAGES}})
    said = said.model_copy(update={"policy": rules, "as_of": write_instant(NOW)})
    ledger.append("shop", entry)
    ledger.append("shop", said)
    return said


def looked(ledger: Ledger, verdict: StageVerdict, days: int = 7) -> Row[StageLooked]:
    """A look with that verdict, some days after the first."""
    release = current_release(ledger, "shop")
    assert release is not None and release.candidate is not None
    look = Look(verdict=verdict, reason=f"It was {verdict}.", findings=())
    entry = StageLooked(
        release_no=release.release_no,
        number=len(looks_of(ledger, "shop", release.release_no)) + 1,
        decision=release.candidate.decision,
        as_of=write_instant(NOW + timedelta(days=days)),
        elapsed_days=days,
        evidence="e",
        look=look,
    )
    return ledger.append("shop", entry)[0]


def state(ledger: Ledger) -> tuple[int, str, int, int | None]:
    """(release number, stage, live version, version of the candidate)."""
    release = current_release(ledger, "shop")
    assert release is not None
    return (
        release.release_no,
        release.stage,
        release.champion.model.version,
        release.candidate.model.version if release.candidate else None,
    )


def test_the_first_model_is_live_at_once_and_the_second_begins_in_a_shadow(ledger: Ledger) -> None:
    assert state(ledger) == (2, "shadow", 1, 2)
    shadow = current_release(ledger, "shop")
    assert shadow is not None and shadow.kind == "stage"
    assert release_decided(ledger, ledger.all("shop", Decision)[-1].payload).payload == shadow, "asked again"
    assert undone_decision(ledger, "shop") is None
    assert models_beside(shadow) == {"shadow": challenger("c2", 2).model}
    standing = made_live(row.payload for row in ledger.all("shop", Release))
    assert standing is not None and standing.release_no == 1 and shadow.since == standing.as_of


def test_looks_lead_over_a_canary_to_all_keys_and_repeating_one_changes_nothing(ledger: Ledger) -> None:
    assert follow_look(ledger, "shop", looked(ledger, "wait", 3)) is None
    assert follow_look(ledger, "shop", looked(ledger, "not_decidable", 6)) is None
    first = looked(ledger, "advance", 7)
    canary = follow_look(ledger, "shop", first)
    assert canary is not None and canary == follow_look(ledger, "shop", first)
    assert state(ledger) == (3, "canary", 1, 2)
    assert canary.payload.candidate is not None and canary.payload.candidate.salt == "d2"
    assert models_beside(canary.payload) == {"candidate": challenger("c2", 2).model}
    full = follow_look(ledger, "shop", looked(ledger, "advance", 14))
    assert full is not None and full.payload.kind == "release" and full.payload.decision == "d2"
    assert state(ledger) == (4, "full", 2, None) and models_beside(full.payload) == {}
    assert full.payload.since == write_instant(NOW + timedelta(days=14))
    roll_back(ledger, "shop", NOW + timedelta(days=20), "it went bad")
    assert state(ledger) == (5, "full", 1, None), "back to the champion before the stages"


@pytest.mark.parametrize("canary", [False, True])
def test_an_abort_leaves_the_champion_and_opens_one_episode(ledger: Ledger, canary: bool) -> None:
    if canary:
        follow_look(ledger, "shop", looked(ledger, "advance", 7))
    ledger.append("shop", one_of_each()["batch"])
    made = follow_look(ledger, "shop", looked(ledger, "abort", 9))
    assert made is not None and made.payload.kind == "abort" and made.payload.reason == "It was abort."
    assert state(ledger)[1:] == ("full", 1, None) and running(ledger, "shop") is None
    at = NOW + timedelta(days=9)
    (episode,) = abort_reports(ledger, "shop", at)
    assert isinstance(episode, Episode) and episode.severity == "page" and episode.detail == "It was abort."
    ledger.append("shop", episode)
    assert abort_reports(ledger, "shop", at) == [], "reported once"
    (over,) = abort_reports(ledger, "shop", at + timedelta(days=14))
    assert isinstance(over, EpisodeClosed)
    ledger.append("shop", over)
    release_decided(ledger, decided(ledger, 3, made.payload.release_no))
    assert state(ledger)[1:] == ("shadow", 1, 3), "the next challenger is tried, not the same one again"


def test_the_outcome_of_a_cycle_names_what_its_looks_changed_and_no_other_cycle_does(ledger: Ledger) -> None:
    def cycled(window: str, *verdicts: StageVerdict) -> list[str]:
        of = batch(window)
        ledger.append("shop", of)
        for verdict in verdicts:
            follow_look(ledger, "shop", looked(ledger, verdict))
        clauses = looked_in_cycle(ledger, "shop", of)
        ledger.append("shop", finished.model_copy(update={"batch": of.batch}))
        return clauses

    finished = one_of_each()["cycle"]
    assert cycled("2024-01", "wait") == []
    assert cycled("2024-02", "advance") == ["version 2 got into a canary of 10 %"]
    assert cycled("2024-03", "advance") == ["version 2 passed a canary of 10 % and is live"]
    assert cycled("2024-04") == []
    release_decided(ledger, decided(ledger, 3, 4))
    go_on(ledger, "shop", 5, NOW, "Ada", "no traffic")
    assert cycled("2024-05") == [], "a person ended the stage"
    assert cycled("2024-06", "abort") == ["version 3 was taken out of a canary of 10 %: It was abort"]


@pytest.mark.parametrize("canary", [False, True])
def test_a_rollback_takes_the_candidate_away_from_every_stage(ledger: Ledger, canary: bool) -> None:
    if canary:
        follow_look(ledger, "shop", looked(ledger, "advance", 7))
    live = roll_back(ledger, "shop", NOW + timedelta(days=8), "complaints").live
    assert live.kind == "rollback" and live.reason == "complaints"
    assert state(ledger)[1:] == ("full", 1, None)
    first = ledger.all("shop", Release)[0].payload
    assert live.since == first.since, "the champion is as old as it was"
    assert made_live(row.payload for row in ledger.all("shop", Release)) == first


def test_after_a_candidate_was_taken_away_the_champion_is_taken_back_only_by_number(ledger: Ledger) -> None:
    for days in (7, 14):
        follow_look(ledger, "shop", looked(ledger, "advance", days))
    release_decided(ledger, decided(ledger, 3, 4))
    roll_back(ledger, "shop", NOW + timedelta(days=20), "complaints")
    again = roll_back(ledger, "shop", NOW + timedelta(days=20), "complaints")
    assert (again.made, state(ledger)) == (False, (6, "full", 2, None)), "repeated, it is the same request"
    with pytest.raises(HeldBack, match=r"took version 3 out of a shadow at .* \(reason: complaints\).* name release 6"):
        roll_back(ledger, "shop", NOW + timedelta(days=21), "still bad")
    back = roll_back(ledger, "shop", NOW + timedelta(days=21), "still bad", 6)
    assert (back.made, back.row.payload.restores, state(ledger)) == (True, 1, (7, "full", 1, None))
    with pytest.raises(HeldBack, match="name release 7"):
        roll_back(ledger, "shop", NOW + timedelta(days=21), "worse")


def test_a_stage_that_took_its_candidate_away_is_not_followed_by_a_rollback_meant_for_it(ledger: Ledger) -> None:
    for days in (7, 14):
        follow_look(ledger, "shop", looked(ledger, "advance", days))
    release_decided(ledger, decided(ledger, 3, 4))
    follow_look(ledger, "shop", looked(ledger, "abort", 16))
    with pytest.raises(HeldBack, match=r"took version 3 out of a shadow at .* \(reason: It was abort\.\)"):
        roll_back(ledger, "shop", NOW + timedelta(days=16), "complaints")
    assert state(ledger) == (6, "full", 2, None)
    roll_back(ledger, "shop", NOW + timedelta(days=16), "the champion too", 6)
    assert state(ledger) == (7, "full", 1, None)


@pytest.mark.parametrize("tried", [False, True])
def test_two_people_who_roll_back_at_the_same_moment_go_back_once(ledger: Ledger, tried: bool) -> None:
    """With a candidate in a stage, or a champion alone."""
    for days in (7, 14):
        follow_look(ledger, "shop", looked(ledger, "advance", days))
    if tried:
        release_decided(ledger, decided(ledger, 3, 4))
    both = Barrier(2)

    def asks(reason: str) -> str | None:
        connected = Ledger(ledger.url)
        both.wait()
        try:
            roll_back(connected, "shop", NOW + timedelta(days=20), reason)
        except (HeldBack, ReleaseLost) as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as people:
        answers = list(people.map(asks, ("complaints", "returns went up")))
    (message,) = [answer for answer in answers if answer is not None]
    done = current_release(ledger, "shop")
    assert done is not None and done.kind == "rollback" and done.reason in message
    assert state(ledger) == ((6, "full", 2, None) if tried else (5, "full", 1, None))


def test_a_first_champion_stays_when_its_candidate_was_taken_away(ledger: Ledger) -> None:
    roll_back(ledger, "shop", NOW + timedelta(days=8), "complaints")
    with pytest.raises(InputError, match=r"no previous champion .* took version 2 out of a shadow"):
        roll_back(ledger, "shop", NOW + timedelta(days=9), "still bad")
    assert state(ledger) == (3, "full", 1, None)


def test_a_champion_that_goes_bad_beside_a_candidate_is_rolled_back_itself(ledger: Ledger) -> None:
    for days in (7, 14):
        follow_look(ledger, "shop", looked(ledger, "advance", days))
    release_decided(ledger, decided(ledger, 3, 4))
    assert state(ledger) == (5, "shadow", 2, 3)
    at = write_instant(NOW + timedelta(days=20))
    episode = Episode(episode="level@1", channel="level", opened_at=at, batch="b", release_no=5, detail="worse")
    ledger.append("shop", episode)
    respond(ledger, "shop", Responses(page=("roll_back",)), episode, "page", NOW, "b", lambda release: None)
    assert state(ledger) == (6, "full", 1, None)


def test_of_a_look_and_a_rollback_at_the_same_moment_one_wins(ledger: Ledger) -> None:
    late = looked(ledger, "advance", 7)
    roll_back(ledger, "shop", NOW, "complaints")
    with pytest.raises(ReleaseLost, match="rollback"):
        follow_look(ledger, "shop", late)
    assert state(ledger) == (3, "full", 1, None)


def test_a_look_whose_change_is_missing_is_found(ledger: Ledger) -> None:
    assert undone_look(ledger, "shop") is None
    looked(ledger, "wait", 3)
    assert undone_look(ledger, "shop") is None
    missing = looked(ledger, "advance", 7)
    assert undone_look(ledger, "shop") == missing
    follow_look(ledger, "shop", missing)
    assert undone_look(ledger, "shop") is None


def test_a_freeze_keeps_a_candidate_from_getting_further_but_not_from_being_taken_away(ledger: Ledger) -> None:
    ledger.append("shop", ReleasesFrozen(episode="level@1", as_of=write_instant(NOW), batch="b", detail="worse"))
    with pytest.raises(HeldBack, match="frozen"):
        follow_look(ledger, "shop", looked(ledger, "advance", 7))
    with pytest.raises(HeldBack, match="frozen"):
        go_on(ledger, "shop", 2, NOW, "Ada", "seen enough")
    assert state(ledger) == (2, "shadow", 1, 2)
    follow_look(ledger, "shop", looked(ledger, "abort", 8))
    assert state(ledger) == (3, "full", 1, None)


def test_a_person_lets_a_candidate_get_further_once(ledger: Ledger) -> None:
    made = go_on(ledger, "shop", 2, NOW, "Ada", "no traffic in summer")
    assert made == go_on(ledger, "shop", 2, NOW, "Ada", "no traffic in summer")
    assert state(ledger) == (3, "canary", 1, 2) and made.payload.reason.startswith("Ada ended the stage")
    with pytest.raises(NoStage):
        go_on(ledger, "shop", 1, NOW, "Ada", "never a stage")


def test_a_retried_cycle_watches_the_model_that_was_live_before_its_look(ledger: Ledger) -> None:
    follow_look(ledger, "shop", looked(ledger, "advance", 7))
    follow_look(ledger, "shop", looked(ledger, "advance", 14))
    watched = release_to_watch(ledger, "shop", NOW + timedelta(days=14))
    assert watched is not None and watched.release_no == 3, "the cycle of that moment is not finished"
    later = release_to_watch(ledger, "shop", NOW + timedelta(days=15))
    assert later is not None and later.release_no == 4
