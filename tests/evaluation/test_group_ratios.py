"""Ratios between groups are fairlearn's, and their intervals those of a metric like any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perennial.evaluation.comparison import compare
from perennial.evaluation.guards import guard
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import GROUP_RATIOS, load_group_ratio
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.evaluation.paired import paired
from tests.evaluation.groups import coded
from tests.extent import part_of


def ratio_of(name: str, groups: Sequence[str | None]) -> Metric:
    return load_group_ratio(name, *coded(groups))


THEIRS = {name: getattr(fairlearn, name) for name in GROUP_RATIOS}


def drawn(seed: int, groups: int = 3, n: int = 400) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.4).astype(float)
    p = (0.15 * y + 0.85 * random.random(n)).round(2)
    return y, p, [f"g{code}" for code in random.integers(0, groups, n)]


@pytest.mark.parametrize("name", GROUP_RATIOS)
@settings(max_examples=part_of(25))  # of 400 rows each; fairlearn takes 25 ms for one
@given(seed=st.integers(0, 10_000), cut=st.sampled_from([0.3, 0.5, 0.7]))
def test_the_value_is_fairlearns(name: str, seed: int, cut: float) -> None:
    y, p, groups = drawn(seed)
    value, influence = ratio_of(f"{name}:sex@{cut}", groups).value_and_influence(y, p)
    theirs = THEIRS[name](y, p >= cut, sensitive_features=groups, method="between_groups")
    assert value == pytest.approx(theirs, abs=1e-12)
    assert influence.sum() == pytest.approx(0, abs=1e-8)


@given(seed=st.integers(0, 10_000), row=st.integers(0, 399))
def test_the_influence_is_the_derivative_by_a_rows_weight(seed: int, row: int) -> None:
    y, p, groups = drawn(seed, groups=2)
    metric = ratio_of("selection_rate_ratio:sex", groups)
    value, influence = metric.value_and_influence(y, p)
    assume(0 < value < 0.999)

    def weighted(step: float) -> float:
        weights = np.ones(y.size)
        weights[row] += step
        # fairlearn takes no weights here, so the rates are made by hand.
        rates = [
            np.average(p[np.array(groups) == g] >= 0.5, weights=weights[np.array(groups) == g]) for g in ("g0", "g1")
        ]
        return float(min(rates) / max(rates))

    step = 1e-5
    assert influence[row] == pytest.approx(y.size * (weighted(step) - weighted(-step)) / (2 * step), abs=1e-4)


def test_rows_of_no_group_count_in_none() -> None:
    y, p, groups = drawn(1, groups=2)
    some = [None if place % 3 == 0 else group for place, group in enumerate(groups)]
    kept = np.array([group is not None for group in some])
    value, influence = ratio_of("selection_rate_ratio:sex", some).value_and_influence(y, p)
    alone, _ = ratio_of("selection_rate_ratio:sex", [g for g in some if g]).value_and_influence(y[kept], p[kept])
    assert value == pytest.approx(alone)
    assert not influence[~kept].any()


def test_one_group_has_no_ratio_and_small_groups_decide_nothing() -> None:
    y, p, _ = drawn(2)
    with pytest.raises(Undefined, match="1 group has rows; two are needed"):
        ratio_of("selection_rate_ratio:sex", ["all"] * y.size).value_and_influence(y, p)
    few = ratio_of("true_positive_rate_ratio:sex", ["few" if i < 40 else "many" for i in range(y.size)])
    assert "counted by the true positive rate of group few; 200 needed" in str(few.undecidable(y, p, p))


def bounded(shift: float, *, champion_shift: float = 0.0) -> tuple[str, str]:
    """The finding on a guard of at least .8, where the challenger selects group b less often by `shift`."""
    random = np.random.default_rng(7)
    n, day = 30_000, np.repeat(np.arange(30), 1_000)
    groups = np.where(random.random(n) < 0.5, "a", "b")
    y = (random.random(n) < 0.5).astype(float)
    p = random.random(n)
    ratio = ratio_of("selection_rate_ratio:sex", list(groups))
    asked = Asked("selection_rate_ratio:sex", "guard", at_least=0.8, metric=ratio)
    champion, challenger = (np.where(groups == "b", np.clip(p - move, 0, 1), p) for move in (champion_shift, shift))
    found = guard(compare(paired(y, champion, challenger, day), metrics=[asked]))
    return found.status, found.sentences[0]


def test_a_bound_blocks_what_is_beyond_it_and_lets_pass_what_is_fairer_than_before() -> None:
    status, told = bounded(0.05)
    assert status == "passed"
    assert "is at least 0.8" in told
    status, told = bounded(0.2)
    assert status == "blocked"
    assert "Guard selection_rate_ratio:sex blocks: the challenger's 0.6" in told
    assert "95 % interval 0.5" in told
    status, told = bounded(0.2, champion_shift=0.3)
    assert status == "passed"
    assert "proven better than the 0.4" in told
