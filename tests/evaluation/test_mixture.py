"""The mixture: fixed from the weights alone, never more than half as risky as the challenger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.evaluation.metrics import load_metric
from perennial.evaluation.mixture import half_and_half


@given(challengers=st.integers(1, 12), members=st.integers(2, 5))
def test_every_member_was_a_challenger_and_the_newest_has_the_most(challengers: int, members: int) -> None:
    live: tuple[tuple[int, float], ...] = ((0, 1.0),)
    for number in range(1, challengers + 1):
        live = half_and_half(live, number, members)
        names, weights = zip(*live, strict=True)
        assert sum(weights) == pytest.approx(1, abs=1e-15)
        assert names == tuple(range(number, max(number - members, -1), -1)), "the newest models, the newest first"
        assert weights[0] >= 0.5 and list(weights) == sorted(weights, reverse=True)


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        half_and_half([("a", 1.0)], "b", 1)
    with pytest.raises(ValueError, match="live already"):
        half_and_half([("a", 1.0)], "a", 2)


@given(seed=st.integers(0, 10_000), members=st.integers(2, 5), metric=st.sampled_from(["log_loss", "brier"]))
def test_for_a_convex_loss_it_loses_at_most_half_of_what_the_challenger_would(
    seed: int, members: int, metric: str
) -> None:
    random = np.random.default_rng(seed)
    y = (random.random(200) < 0.4).astype(float)
    live, challenger = random.uniform(0.01, 0.99, (2, 200))
    (_, of_challenger), (_, of_live) = half_and_half([("live", 1.0)], "challenger", members)
    mixture = of_challenger * challenger + of_live * live
    loss = {
        name: load_metric(metric).value_and_influence(y, predicted)[0]
        for name, predicted in (("live", live), ("challenger", challenger), ("mixture", mixture))
    }
    assert loss["live"] - loss["mixture"] >= (loss["live"] - loss["challenger"]) / 2 - 1e-12
