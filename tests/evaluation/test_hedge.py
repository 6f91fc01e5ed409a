"""The weights of past models: they follow the losses, and an old model can return."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.evaluation.hedge import RECALLED, Followed, half_and_recalled, hedge_weights


def history(seed: int, batches: int, *, unit: float = 1.0, shift: float = 0.0) -> list[Followed[int]]:
    """One model joins at each batch, and each is measured on all later ones."""
    random = np.random.default_rng(seed)
    made = []
    for batch in range(batches):
        losses = random.uniform(0.3, 0.6, batch)
        made.append(
            Followed({m: unit * loss + shift for m, loss in enumerate(losses)}, unit * 0.7 + shift, joined=(batch,))
        )
    return made


@given(seed=st.integers(0, 10_000), batches=st.integers(1, 30))
def test_weights_are_positive_and_add_up_to_1_and_the_newest_model_comes_first(seed: int, batches: int) -> None:
    models, weights = zip(*hedge_weights(history(seed, batches)), strict=True)
    assert models == tuple(range(batches - 1, -1, -1))
    assert sum(weights) == pytest.approx(1) and min(weights) > 0
    assert weights[0] == (0.3 if batches > 1 else 1.0), "the model that joined last has not been measured"


@given(seed=st.integers(0, 10_000), unit=st.floats(0.01, 1000), shift=st.floats(-5, 5))
def test_the_unit_and_the_zero_of_the_loss_do_not_matter(seed: int, unit: float, shift: float) -> None:
    plain, other = hedge_weights(history(seed, 12)), hedge_weights(history(seed, 12, unit=unit, shift=shift))
    assert [w for _, w in other] == pytest.approx([w for _, w in plain], rel=1e-6)


def test_one_step_by_hand() -> None:
    """Two models with weights .7 and .3, and a skill of .2 over the constant, by the formulas of the two papers."""
    first = Followed[str]({}, 0.0, ("old",)), Followed({"old": 0.5}, 0.7, ("new",))
    weights = dict(hedge_weights([*first, Followed({"old": 0.5, "new": 0.52}, 0.7)]))
    hedged = {"old": 0.7, "new": 0.3 * math.exp(-10 * 0.02 / 0.2)}
    whole = sum(hedged.values())
    assert weights == pytest.approx({name: 0.95 * each / whole + 0.05 / 2 for name, each in hedged.items()})


def test_a_model_that_was_bad_for_years_returns_within_two_batches() -> None:
    good, bad = 0.4, 0.6
    winter, summer = ({"winter": good, "summer": bad}, {"winter": bad, "summer": good})
    past = [Followed[str]({}, 0.7, ("winter", "summer")), *[Followed(summer, 0.7)] * 40]
    assert dict(hedge_weights(past))["winter"] < 0.03
    assert dict(hedge_weights([*past, *[Followed(winter, 0.7)] * 2]))["winter"] > 0.95


def test_a_model_without_a_loss_keeps_its_weight_beside_the_others() -> None:
    start = Followed[str]({}, 0.7, ("a", "b", "c"))
    before = dict(hedge_weights([start]))
    after = dict(hedge_weights([start, Followed({"a": 0.3, "b": 0.6}, 0.7)]))
    assert after["c"] == pytest.approx(0.95 * before["c"] + 0.05 / 3)
    assert after["a"] > before["a"] and after["b"] < before["b"]


def test_losses_change_nothing_before_a_model_has_skill_over_the_constant_and_count_after_that() -> None:
    start, useless = Followed[str]({}, 0.7, ("a", "b")), Followed({"a": 0.8, "b": 5.0}, 0.7)
    equal = Followed({"a": 0.6, "b": 0.6}, 0.7)
    assert dict(hedge_weights([start, useless])) == pytest.approx(dict(hedge_weights([start, equal])))
    assert dict(hedge_weights([start, equal, useless]))["a"] > 0.95, "all are worse than the constant after a jump"


@given(
    weights=st.lists(st.floats(1e-6, 1), min_size=1, max_size=12),
    own=st.booleans(),
)
def test_half_is_the_challenger_and_the_rest_the_largest_of_the_others(weights: list[float], own: bool) -> None:
    past = [*([("challenger", 0.5)] if own else []), *((f"past {i}", weight) for i, weight in enumerate(weights))]
    (first, half), *others = half_and_recalled(past, "challenger")
    assert (first, half) == ("challenger", 0.5)
    assert sum(weight for _, weight in others) == pytest.approx(0.5)
    assert len(others) == min(RECALLED, len(weights))
    left_out = set(range(len(weights))) - {int(name.split()[1]) for name, _ in others}
    smallest = min(weights[int(name.split()[1])] for name, _ in others)
    assert all(weights[i] <= smallest for i in left_out)


def test_of_equal_weights_the_newest_is_recalled_and_without_others_there_is_no_mixture() -> None:
    equal = [(name, 0.2) for name in ("newest", "c", "b", "a")]
    assert [name for name, _ in half_and_recalled(equal, "challenger")] == ["challenger", "newest", "c", "b"]
    assert half_and_recalled([("challenger", 1.0)], "challenger") == (("challenger", 1.0),)
