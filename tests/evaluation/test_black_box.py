"""A metric whose inside is unknown has the interval that it would have if we knew it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from perennial.evaluation.comparison import compare
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics.black_box import MetricFailed, black_box
from perennial.evaluation.paired import paired


def drawn(seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(30), random.integers(20, 200, 30))
    y = (random.random(day.size) < 0.4).astype(float)
    a = np.clip(0.25 * y + 0.7 * random.random(day.size), 0.01, 0.99)
    return y, a, np.clip(a + 0.1 * random.normal(size=day.size), 0.01, 0.99), day


def test_of_a_mean_it_is_exact() -> None:
    y, a, b, day = drawn()
    ours = compare(paired(y, a, b, day), metrics=[Asked("brier", "primary")])[0]
    box = black_box("mine", lambda y, p: float(((y - p) ** 2).mean()), ("binary",), "lower", day)
    found = compare(paired(y, a, b, day), metrics=[Asked("mine", "primary", metric=box)])[0]
    assert (found.gain, found.se, found.p_value) == pytest.approx((ours.gain, ours.se, ours.p_value), rel=1e-9)


def test_of_a_curve_it_is_close() -> None:
    y, a, b, day = drawn()
    ours = compare(paired(y, a, b, day), metrics=[Asked("roc_auc", "primary")])[0]
    box = black_box("mine", lambda y, p: float(sk.roc_auc_score(y, p)), ("binary",), "higher", day)
    found = compare(paired(y, a, b, day), metrics=[Asked("mine", "primary", metric=box)])[0]
    assert found.gain == pytest.approx(ours.gain, abs=1e-12)
    assert found.se == pytest.approx(ours.se, rel=0.03)


def test_a_function_that_fails_or_gives_no_number_is_named() -> None:
    y, a, _, day = drawn()
    with pytest.raises(MetricFailed, match=r"metric 'mine' failed on .* rows: ZeroDivisionError"):
        black_box("mine", lambda y, p: 1 / 0, ("binary",), "lower", day).value_and_influence(y, a)
    with pytest.raises(MetricFailed, match="metric 'mine' returned nan on"):
        black_box("mine", lambda y, p: float("nan"), ("binary",), "lower", day).value_and_influence(y, a)
