"""Serving half of what was tested and half of its newest refit, as the ledger sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from perennial.errors import ReleaseLost
from perennial.ledger.entries import Decision, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release
from perennial.model.released import Serving
from perennial.release.promote import release_blend, release_decided
from perennial.release.rollback import roll_back
from tests.release.payloads import challenger, decision

NOW = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Version 1 is released under policy blend, and its refit, version 2, waits."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    decided(ledger, 1, "first", 0.5)
    ledger.append("shop", challenger("c2", 2))
    return ledger


def decided(ledger: Ledger, version: int, outcome: str, refit_weight: float | None) -> Decision:
    """A decision about a version, carried out where it releases."""
    model, serving = challenger(f"c{version}", version), current_release(ledger, "shop")
    ledger.append("shop", model)
    made = decision(f"d{version}", model, serving.release_no if serving else 0)
    policy = made.policy.model_copy(update={"name": "blend", "refit_weight": refit_weight})
    said = made.model_copy(update={"outcome": outcome, "policy": policy})
    ledger.append("shop", said)
    if outcome in ("first", "release"):
        release_decided(ledger, said)
    return said


def serves(ledger: Ledger) -> list[tuple[int, float]]:
    release = current_release(ledger, "shop")
    return [(each.model.version, each.weight) for each in release.serves] if release else []


def test_the_newest_refit_serves_half_beside_what_was_tested(ledger: Ledger) -> None:
    made = release_blend(ledger, "shop", NOW)
    assert made is not None
    assert serves(ledger) == [(1, 0.5), (2, 0.5)]
    assert made.payload.reason == "By policy blend: version 1 (50 %) and version 2 (50 %) are live."
    assert made.payload.decision == "d1"
    assert release_blend(ledger, "shop", NOW) is None, "once is enough"


def test_a_refit_that_is_turned_down_leaves_and_its_successor_comes(ledger: Ledger) -> None:
    release_blend(ledger, "shop", NOW)
    decided(ledger, 2, "undecided", 0.5)
    assert release_blend(ledger, "shop", NOW) is None, "its successor is not trained yet"
    ledger.append("shop", challenger("c3", 3))
    release_blend(ledger, "shop", NOW)
    assert serves(ledger) == [(1, 0.5), (3, 0.5)]


def test_where_the_newest_is_feared_what_was_tested_serves_alone(ledger: Ledger) -> None:
    release_blend(ledger, "shop", NOW)
    decided(ledger, 2, "keep", 0.0)
    ledger.append("shop", challenger("c3", 3))
    release_blend(ledger, "shop", NOW)
    assert serves(ledger) == [(1, 1.0)]
    release = current_release(ledger, "shop")
    assert release is not None
    assert release.reason == "By policy blend: version 1 alone is live."


def test_a_policy_that_serves_one_model_ends_a_blend(ledger: Ledger) -> None:
    release_blend(ledger, "shop", NOW)
    decided(ledger, 2, "undecided", None)
    release_blend(ledger, "shop", NOW)
    assert serves(ledger) == [(1, 1.0)]


def test_a_blend_is_rolled_back_to_what_was_tested_and_that_to_the_one_before(ledger: Ledger) -> None:
    release_blend(ledger, "shop", NOW)
    decided(ledger, 2, "release", 0.5)
    ledger.append("shop", challenger("c3", 3))
    release_blend(ledger, "shop", NOW)
    assert serves(ledger) == [(2, 0.5), (3, 0.5)]
    assert roll_back(ledger, "shop", NOW, "it hurts", seen=4, by="Ada").live.by == "Ada"
    assert serves(ledger) == [(2, 1.0)]
    assert release_blend(ledger, "shop", NOW) is None, "a person's word stands until the next decision"
    roll_back(ledger, "shop", NOW, "still", seen=5, by="Ada")
    assert serves(ledger) == [(1, 1.0)]
    decided(ledger, 3, "keep", 0.5)
    ledger.append("shop", challenger("c4", 4))
    blend = release_blend(ledger, "shop", NOW)
    assert blend is not None and blend.payload.by is None, "nobody asked for what followed the decision"


def test_two_who_blend_at_once_make_one_release(ledger: Ledger) -> None:
    seen = current_release(ledger, "shop")
    assert seen is not None
    ledger.append("shop", seen.model_copy(update={"release_no": 2, "kind": "rollback", "restores": 1}))
    with pytest.raises(ReleaseLost):
        release_decided(ledger, decision("d9", challenger("c1", 1), 1).model_copy(update={"outcome": "release"}))
    assert [row.payload.release_no for row in ledger.all("shop", Release)] == [1, 2]


class _Constant:
    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, rows: list[int]) -> np.ndarray:
        return np.full(len(rows), self.value)

    def over(self, predictions: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
        return predictions


def test_a_mixture_predicts_the_weighted_mean_and_loses_at_most_the_mean_of_the_losses() -> None:
    mixed = Serving((_Constant(0.2), _Constant(0.6)), (0.5, 0.5)).predict([0, 1], ())  # type: ignore[arg-type]
    assert mixed.tolist() == [0.4, 0.4]
    for y in (0.0, 1.0):
        loss = [-np.log(p if y else 1 - p) for p in (0.2, 0.6, 0.4)]
        assert loss[2] <= (loss[0] + loss[1]) / 2
