"""A year's budget of errors: it is shared out, never overdrawn, and no change of policy buys more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.evaluation.budget import Taken, share_of
from perennial.evaluation.results import Pool

POOLS: list[Pool] = ["planned", "event"]


def shares(history: Sequence[tuple[int, str, bool]], planned: int, events: int, a_year: float = 0.05) -> list[Taken]:
    """Decisions one after the other, each with its year, its pool, and whether another policy took it at 5 %."""
    taken: list[Taken] = []
    for year, pool, elsewhere in history:
        of = cast(Pool, pool)
        alpha = 0.05 if elsewhere else share_of(a_year, planned, events, taken, year, of).alpha
        taken.append(Taken(year, of, alpha))
    return taken


def test_a_year_of_planned_decisions_gets_equal_shares_and_the_next_year_new_ones() -> None:
    taken = shares([(2013, "planned", False)] * 13 + [(2014, "planned", False)], planned=12, events=4)
    assert [each.alpha for each in taken] == [0.05 / 16] * 12 + [0.0, 0.05 / 16]


def test_events_have_a_reserve_that_planned_decisions_cannot_take_nor_exceed() -> None:
    taken = shares([(2013, "event", False)] * 5 + [(2013, "planned", False)], planned=12, events=4)
    assert [each.alpha for each in taken] == [0.05 / 16] * 4 + [0.0, 0.05 / 16]


def test_decisions_under_another_policy_count() -> None:
    told = share_of(0.05, 12, 4, [Taken(2013, "planned", 0.05)], 2013, "planned")
    assert (told.alpha, told.spent) == (0.0, 0.05)
    assert told.sentence == (
        "It can release nothing: the decisions of 2013 before could err at 5 %, of 5 % a year, shared by 12 planned "
        "and 4 event-triggered decisions."
    )


def test_the_sentence_has_the_plan_in_it() -> None:
    taken = shares([(2013, "planned", False)] * 2 + [(2013, "event", False)], planned=12, events=4)
    assert share_of(0.05, 12, 4, taken, 2013, "planned").sentence == (
        "It may err at 0.312 %: 5 % a year, shared by 12 planned and 4 event-triggered decisions; this is number 3 of "
        "12 planned ones in 2013, and 0.938 % were spent before."
    )


@given(
    st.lists(st.tuples(st.integers(2013, 2015), st.sampled_from(POOLS), st.booleans()), max_size=80),
    st.integers(1, 24),
    st.integers(0, 6),
    st.sampled_from([0.05, 0.01]),
)
def test_no_history_overdraws_a_year(
    history: list[tuple[int, Pool, bool]], planned: int, events: int, a_year: float
) -> None:
    history = sorted(history, key=lambda each: each[0])
    taken = shares(history, planned, events, a_year)
    for year in (2013, 2014, 2015):
        shared = sum(t.alpha for t, (y, _, other) in zip(taken, history, strict=True) if y == year and not other)
        assert 0 <= shared <= a_year * (1 + 1e-9)
        first_elsewhere = next((i for i, (y, _, other) in enumerate(history) if y == year and other), len(history))
        after = [t.alpha for t in taken[first_elsewhere + 1 :] if t.year == year]
        own = [a for a, (y, _, other) in zip(after, history[first_elsewhere + 1 :], strict=False) if not other]
        assert not any(own), "a decision at 5 % leaves nothing of the year"


def test_shares_are_of_the_year_that_they_are_taken_in() -> None:
    assert share_of(0.05, 1, 0, [Taken(2012, "planned", 0.05)], 2013, "planned").alpha == pytest.approx(0.05)
