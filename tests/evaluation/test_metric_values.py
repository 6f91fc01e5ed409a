"""The six metrics: the values of the textbook example, of scikit-learn, and each row's influence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from perennial.evaluation.metrics import METRIC_TASKS, load_metric
from perennial.evaluation.metrics.accuracy import accuracy_at
from perennial.evaluation.metrics.metric import Metric, Undefined

DAY = np.repeat(np.arange(4), 3)
Y = np.array([1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1.0])
A = np.array([0.7, 0.3, 0.2, 0.6, 0.5, 0.4, 0.1, 0.3, 0.8, 0.2, 0.6, 0.5])
B = np.array([0.8, 0.2, 0.1, 0.5, 0.55, 0.6, 0.4, 0.4, 0.7, 0.1, 0.35, 0.3])
YR = np.array([3, 1, 2, 5, 4, 6, 2, 3, 8, 1, 4, 5.0])
RA = np.array([2.5, 1.5, 2, 4, 4.5, 5, 2, 3.5, 6, 1, 5, 4])
RB = np.array([3, 1, 2.5, 4.5, 4, 5, 1.5, 3, 7, 2, 4, 6])

# Richardson finite differences of scikit-learn, statsmodels and scipy: value of A, of B,
# row variance of A and of B − A, day variance (CR1) of B − A.
REFERENCE = [
    (load_metric("log_loss"), (0.464543, 0.472714, 5.9275e-3, 0.006763926, 0.006005355)),
    (load_metric("brier"), (0.148333, 0.152917, 1.2150e-3, 0.001397989, 0.000862095)),
    (accuracy_at(0.45), (0.75, 0.833333, 0.015625, 0.020254630, 0.006944444)),
    (load_metric("roc_auc"), (0.885714, 0.857143, 7.7668e-3, 0.011965015, 0.005631431)),
    (load_metric("mae"), (0.666667, 0.458333, 0.025463, 0.029369213, 0.006365741)),
    (load_metric("rmse"), (0.866025, 0.629153, 0.03125, 0.024243178, 0.017760420)),
]


@pytest.mark.parametrize(("metric", "expected"), REFERENCE, ids=lambda x: x.name if isinstance(x, Metric) else "")
def test_values_and_variances_are_those_of_the_reference(metric: Metric, expected: tuple[float, ...]) -> None:
    y, a, b = (YR, RA, RB) if metric.tasks == ("regression",) else (Y, A, B)
    value_a, influence_a = metric.value_and_influence(y, a)
    value_b, influence_b = metric.value_and_influence(y, b)
    paired = influence_b - influence_a
    of_days = np.bincount(DAY, weights=paired)
    found = (
        value_a,
        value_b,
        (influence_a**2).sum() / 144,
        (paired**2).sum() / 144,
        4 / 3 * (of_days**2).sum() / 144,
    )
    assert found == pytest.approx(expected, abs=1e-6)


SKLEARN: dict[str, Callable[..., float]] = {
    "log_loss": lambda y, p, w=None: sk.log_loss(y, p, sample_weight=w, labels=[0, 1]),
    "brier": lambda y, p, w=None: sk.brier_score_loss(y, p, sample_weight=w, labels=[0, 1]),
    "accuracy": lambda y, p, w=None: sk.accuracy_score(y, p >= 0.5, sample_weight=w),
    "roc_auc": lambda y, p, w=None: sk.roc_auc_score(y, p, sample_weight=w),
    "mae": lambda y, p, w=None: sk.mean_absolute_error(y, p, sample_weight=w),
    "rmse": lambda y, p, w=None: sk.root_mean_squared_error(y, p, sample_weight=w),
}


def test_every_metric_is_checked_against_scikit_learn() -> None:
    assert set(SKLEARN) == set(METRIC_TASKS)


@st.composite
def labels_and_predictions(draw: st.DrawFn, name: str) -> tuple[np.ndarray, np.ndarray]:
    """4 to 10 rows, predictions on a coarse grid so that ties are common; both classes present."""
    n = draw(st.integers(4, 10))
    grid = st.integers(1, 6).map(lambda k: k / 7)
    p = np.array(draw(st.lists(grid, min_size=n, max_size=n)))
    if METRIC_TASKS[name] == ("regression",):
        y = np.array(draw(st.lists(st.integers(2, 9).map(float), min_size=n, max_size=n)))
    else:
        y = np.array([0.0, 1.0, *draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n - 2, max_size=n - 2))])
    return y, p


@pytest.mark.parametrize("name", sorted(METRIC_TASKS))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_influence_is_the_derivative_of_scikit_learns_metric_by_a_rows_weight(name: str, data: Any) -> None:
    y, p = data.draw(labels_and_predictions(name))
    value, influence = load_metric(name).value_and_influence(y, p)
    assert value == pytest.approx(SKLEARN[name](y, p), abs=1e-12)
    step = 1e-4
    for row in range(y.size):
        more, less = np.ones(y.size), np.ones(y.size)
        more[row] += step
        less[row] -= step
        slope = y.size * (SKLEARN[name](y, p, more) - SKLEARN[name](y, p, less)) / (2 * step)
        assert influence[row] == pytest.approx(slope, abs=1e-6)
    assert influence.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_certain_miss_costs_what_scikit_learn_says(dtype: Any) -> None:
    y, p = np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0], dtype=dtype)
    value, _ = load_metric("log_loss").value_and_influence(y, p)
    assert value == pytest.approx(sk.log_loss(y, p), rel=1e-6)
    assert value > 10


def test_auc_on_rows_of_one_class_is_undefined_not_a_number() -> None:
    with pytest.raises(Undefined, match="all 5 rows are of one class"):
        load_metric("roc_auc").value_and_influence(np.ones(5), np.linspace(0.1, 0.9, 5))


def test_perfect_regression_has_no_error_and_no_influence() -> None:
    value, influence = load_metric("rmse").value_and_influence(YR, YR)
    assert value == 0
    assert influence.tolist() == [0.0] * 12


@pytest.mark.parametrize("name", ["log_loss", "brier", "roc_auc"])
@pytest.mark.parametrize(("positives", "reason"), [(19, "19 positive rows; 20 are needed"), (20, None)])
def test_twenty_positives_are_needed(name: str, positives: int, reason: str | None) -> None:
    y, p = np.repeat([1.0, 0.0], [positives, 500]), np.full(positives + 500, 0.5)
    assert load_metric(name).undecidable(y, p, p) == reason


def test_twenty_negatives_are_needed_too() -> None:
    y, p = np.repeat([1.0, 0.0], [500, 1]), np.full(501, 0.5)
    assert load_metric("log_loss").undecidable(y, p, p) == "1 negative row; 20 are needed"


@pytest.mark.parametrize(("discordant", "decidable"), [(199, False), (200, True)])
def test_accuracy_needs_rows_that_the_models_decide_differently(discordant: int, decidable: bool) -> None:
    champion = np.full(5_000, 0.1)
    challenger = np.where(np.arange(5_000) < discordant, 0.9, 0.2)
    reason = load_metric("accuracy").undecidable(np.zeros(5_000), champion, challenger)
    assert (reason is None) == decidable
    assert decidable or str(reason).startswith("199 rows on which")


def test_rmse_of_heavy_tails_needs_three_thousand_rows() -> None:
    rng = np.random.default_rng(0)
    rmse = load_metric("rmse")
    heavy, normal = rng.standard_t(2, size=3_000), rng.normal(size=3_000)
    few, zeros = slice(0, 2_999), np.zeros(3_000)
    assert "3,000 are needed" in str(rmse.undecidable(heavy[few], zeros[few], zeros[few]))
    assert rmse.undecidable(heavy, zeros, zeros) is None
    assert rmse.undecidable(normal[few], zeros[few], zeros[few]) is None
    assert rmse.undecidable(normal[few], normal[few], heavy[few]) is not None, "either model's errors count"
