"""Approval by several roles: each by another person, while it lasts; a refusal; persons at the same time."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import HeldBack, InputError, PerennialError
from perennial.ledger.entries import Approval, Decision, Endorsement, Refusal, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, open_question, wants_release
from perennial.release.approvals import Endorsed, Person, endorse, refuse, standing
from perennial.release.promote import approve
from tests.release.payloads import challenger, decision

NOW = datetime(2024, 4, 1, tzinfo=UTC)
LASTS = timedelta(days=14)
ROLES = {"owner": ("anna", "ada"), "risk": ("ben", "anna")}


def held(url: str) -> tuple[Ledger, Decision]:
    """A ledger with a decision that waits for a person."""
    ledger = Ledger(url)
    model = challenger("c1", 1)
    waiting = decision("d1", model, 0).model_copy(update={"outcome": "held"})
    ledger.append("shop", model)
    ledger.append("shop", waiting)
    return ledger, waiting


@pytest.fixture
def place(tmp_path: Path) -> tuple[Ledger, Decision]:
    return held(f"sqlite:///{tmp_path / 'ledger.db'}")


def person(name: str) -> Person:
    return Person(name, "environment")


def give(place: tuple[Ledger, Decision], name: str, *, now: datetime = NOW, **how: Any) -> Endorsed:
    ledger, waiting = place
    roles = how.get("roles", ROLES)
    return endorse(ledger, waiting, roles, person(name), how.get("reason", "seen"), as_of=NOW, now=now, lasts=LASTS)


def test_it_is_released_once_every_role_has_approved(place: tuple[Ledger, Decision]) -> None:
    ledger, waiting = place
    first = give(place, "anna")
    assert first.made is None and first.standing.missing == ("risk",)
    assert current_release(ledger, "shop") is None and open_question(ledger, "shop") == waiting
    last = give(place, "ben")
    assert last.made is not None and last.made.payload.decision == "d1"
    assert last.approval is not None and last.approval.by == "anna (owner) and ben (risk)"
    assert [row.payload.by for row in ledger.all("shop", Endorsement)] == ["anna", "ben"]


def test_one_person_never_stands_for_two_roles(place: tuple[Ledger, Decision]) -> None:
    first = give(place, "anna")
    assert give(place, "anna").step == first.step, "the same answer twice is one"
    with pytest.raises(
        InputError, match=r"anna has approved as owner already, and each role needs another person"
    ) as e:
        give(place, "anna", reason="as risk too")
    assert len(place[0].all("shop", Endorsement)) == 1
    assert e.value.code == "approver-twice" and "risk (ben or anna)" in str(e.value)
    assert current_release(place[0], "shop") is None


def test_a_person_without_a_role_is_named_with_those_who_have_one(place: tuple[Ledger, Decision]) -> None:
    with pytest.raises(
        InputError, match=r"zoe is not among the approvers of shop. Still to approve: owner \(anna or ada"
    ):
        give(place, "zoe")
    assert not place[0].all("shop", Endorsement)


def test_an_expired_approval_no_longer_counts_and_is_given_anew(place: tuple[Ledger, Decision]) -> None:
    give(place, "anna")
    late = NOW + LASTS
    done = give(place, "ben", now=late)
    assert done.made is None and done.standing.missing == ("owner",)
    assert [each.by for each in done.standing.expired] == ["anna"]
    again = give(place, "ada", now=late)
    assert again.made is not None and again.approval is not None
    assert again.approval.by == "ada (owner) and ben (risk)"
    numbers = [(row.payload.role, row.payload.number) for row in place[0].all("shop", Endorsement)]
    assert numbers == [("owner", 1), ("risk", 1), ("owner", 2)]


def test_repeating_the_last_approval_releases_once(place: tuple[Ledger, Decision]) -> None:
    give(place, "anna")
    assert give(place, "ben").made == give(place, "ben").made
    assert len(place[0].all("shop", Release)) == 1


def test_a_refusal_ends_it_and_the_first_of_both_counts(place: tuple[Ledger, Decision]) -> None:
    ledger, waiting = place
    give(place, "anna")
    refused = refuse(ledger, waiting, ROLES, person("ben"), "too soon", NOW)
    assert refuse(ledger, waiting, ROLES, person("ben"), "again", NOW) == refused
    assert open_question(ledger, "shop") is None
    with pytest.raises(HeldBack, match="was refused by ben: too soon"):
        give(place, "ada")
    assert not wants_release(ledger, waiting) and current_release(ledger, "shop") is None


def test_what_was_approved_cannot_be_refused(place: tuple[Ledger, Decision]) -> None:
    ledger, waiting = place
    give(place, "ada", roles={})
    with pytest.raises(PerennialError, match="approved first"):
        refuse(ledger, waiting, {}, person("ben"), "too late", NOW)
    assert not ledger.all("shop", Refusal)
    assert wants_release(ledger, waiting)
    assert current_release(ledger, "shop") is not None


def test_an_approval_after_a_refusal_that_came_in_between_releases_nothing(place: tuple[Ledger, Decision]) -> None:
    ledger, waiting = place
    ledger.append("shop", Refusal(decision="d1", by="ben", proof="stated", reason="no", as_of="2024-04-01T00:00:00Z"))
    with pytest.raises(HeldBack, match="refused by ben"):
        approve(ledger, waiting, "anna", "yes", NOW)
    assert not wants_release(ledger, waiting)


STEPS = st.lists(
    st.tuples(st.sampled_from(("owner", "risk")), st.sampled_from(("anna", "ada", "ben", "zoe")), st.integers(0, 30)),
    max_size=8,
)


@given(steps=STEPS, day=st.integers(0, 40))
def test_what_stands_is_by_different_persons_who_have_the_role_and_is_not_expired(
    steps: list[tuple[str, str, int]], day: int
) -> None:
    now, rows = NOW + timedelta(days=day), []
    for number, (role, by, until) in enumerate(steps, start=1):
        expires = (NOW + timedelta(days=until)).isoformat()
        rows.append(
            Endorsement(
                decision="d1", role=role, number=number, by=by, proof="token", reason="", at="", expires_at=expires
            )
        )
    stands = standing(rows, ROLES, now)
    names = [each.by for each in stands.given.values()]
    assert len(set(names)) == len(names)
    for role, each in stands.given.items():
        assert each.by in ROLES[role] and datetime.fromisoformat(each.expires_at) > now
    assert {*stands.given, *stands.missing} == set(ROLES) and not {*stands.given} & {*stands.missing}


def test_two_persons_at_once_release_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger, _ = held(url)
    context = multiprocessing.get_context("forkserver")
    barrier, heard = context.Barrier(3), context.Queue()
    names = ("ada", "ben", "anna")
    asking = [context.Process(target=_ask, args=(url, name, barrier, heard), daemon=True) for name in names]
    for each in asking:
        each.start()
    outcomes = dict(heard.get(timeout=100) for _ in names)
    for each in asking:
        each.join(100)
    assert len(ledger.all("shop", Release)) == 1 and len(ledger.all("shop", Approval)) == 1, outcomes
    ledger.verify("shop")
    stood = ledger.all("shop", Approval)[0].payload.by
    assert stood in {"ada (owner) and ben (risk)", "anna (owner) and ben (risk)", "ada (owner) and anna (risk)"}
    assert all("released" in each or "missing" in each or "approved" in each for each in outcomes.values()), outcomes


def _ask(url: str, name: str, barrier: Barrier, heard: Queue[tuple[str, str]]) -> None:
    ledger = Ledger(url)
    waiting = ledger.all("shop", Decision)[0].payload
    barrier.wait()
    try:
        done = endorse(ledger, waiting, ROLES, person(name), "seen", as_of=NOW, now=NOW, lasts=LASTS)
        heard.put((name, "released" if done.made else f"missing {done.standing.missing}"))
    except PerennialError as why:
        heard.put((name, str(why)))
