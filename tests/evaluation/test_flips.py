"""Flips: what a release changes for the rows one by one."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.evaluation.flips import EXAMPLES, flips, newly_wrong
from perennial.evaluation.guards import guard
from perennial.evaluation.paired import paired
from perennial.evaluation.words import flips_in_words
from tests.evaluation.groups import sliced_by

DAY = np.repeat(np.arange(30), 100)
Y = (np.random.default_rng(1).random(3_000) < 0.5).astype(float)
RIGHT, WRONG = np.where(Y == 1, 0.8, 0.2), np.where(Y == 1, 0.4, 0.6)
LOST = np.arange(3_000) % 50 == 0  # 2 % of rows


def test_newly_wrong_and_newly_right_are_counted_with_their_intervals() -> None:
    found = flips(
        paired(Y, RIGHT, np.where(LOST, WRONG, RIGHT), DAY), of_classes=True, slices=[sliced_by("site", _sites())]
    )
    assert found.negative is not None
    assert found.positive is not None
    assert found.negative.share == pytest.approx(0.02)
    assert found.negative.ci_low is not None
    assert found.negative.ci_low <= 0.02
    assert found.positive.share == 0
    assert found.moved.share == pytest.approx(0.02 * 0.4)
    assert [(each.value, each.rows, each.share) for each in found.worst] == [("hit", 150, 0.2)]
    told = flips_in_words(found)
    assert told.startswith("2 % (95 % interval 2 % to 2 %) of 3,000 rows are newly wrong, 0 %")
    assert "Slices with the largest share of newly wrong rows: site hit (20 % of 150 rows)." in told


def _sites() -> list[str | None]:
    return ["hit" if place % 20 == 0 else "spared" if not lost else None for place, lost in enumerate(LOST)]


@pytest.mark.parametrize(("most", "status"), [(0.03, "passed"), (0.01, "blocked")])
def test_a_guard_holds_the_newly_wrong_against_its_bound(most: float, status: str) -> None:
    found = guard([], flips=flips(paired(Y, RIGHT, np.where(LOST, WRONG, RIGHT), DAY), of_classes=True, at_most=most))
    assert found.status == status
    assert "2 % (95 % interval 2 % to 2 %) of 3,000 rows are newly wrong" in found.sentences[0]


def test_the_examples_are_those_that_moved_furthest() -> None:
    worse = np.where(LOST, WRONG, RIGHT)
    worse[200] = 0.05 if Y[200] == 1 else 0.95
    places = newly_wrong(paired(Y, RIGHT, worse, np.arange(Y.size)))
    assert len(places) == EXAMPLES
    assert places[0] == 200
    assert LOST[places].all()


def test_a_number_is_never_right_or_wrong() -> None:
    found = flips(paired(Y, Y, Y + 0.5, DAY), of_classes=False)
    assert (found.negative, found.positive) == (None, None)
    assert found.moved.share == 0.5
    assert flips_in_words(found).startswith("Predictions change by 0.500 on average")


def test_of_several_classes_the_likeliest_decides() -> None:
    sure = np.eye(3)[np.zeros(300, dtype=int)]
    other = np.eye(3)[np.where(np.arange(300) < 30, 1, 0)]
    found = flips(paired(np.zeros(300), sure, other, np.repeat(np.arange(30), 10)), of_classes=True)
    assert found.negative is not None
    assert found.negative.share == 0.1
    assert found.moved.share == pytest.approx(0.1)
