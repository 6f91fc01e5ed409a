"""The metrics: the values of the textbook example, of scikit-learn, and each row's influence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from perennial.evaluation.metrics import METRIC_TASKS, SHOWN_ONLY, load_metric
from perennial.evaluation.metrics.calibration_slope_error import calibration_slope
from perennial.evaluation.metrics.group_ratio import among, ratio_of_rates
from perennial.evaluation.metrics.metric import Undefined
from perennial.evaluation.metrics.value import ValueFailed, worth

DAY = np.repeat(np.arange(4), 3)
Y = np.array([1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1.0])
A = np.array([0.7, 0.3, 0.2, 0.6, 0.5, 0.4, 0.1, 0.3, 0.8, 0.2, 0.6, 0.5])
B = np.array([0.8, 0.2, 0.1, 0.5, 0.55, 0.6, 0.4, 0.4, 0.7, 0.1, 0.35, 0.3])
YR = np.array([3, 1, 2, 5, 4, 6, 2, 3, 8, 1, 4, 5.0])
RA = np.array([2.5, 1.5, 2, 4, 4.5, 5, 2, 3.5, 6, 1, 5, 4])
RB = np.array([3, 1, 2.5, 4.5, 4, 5, 1.5, 3, 7, 2, 4, 6])

G = np.array([1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0])

ValueAndInfluence = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def reference(name: str) -> ValueAndInfluence:
    return load_metric(name).value_and_influence


# Richardson finite differences of scikit-learn, statsmodels and scipy: value of A, of B,
# row variance of A and of B − A, day variance (CR1) of B − A.
REFERENCE: dict[str, tuple[ValueAndInfluence, tuple[float, ...]]] = {
    "log_loss": (reference("log_loss"), (0.464543, 0.472714, 5.9275e-3, 0.006763926, 0.006005355)),
    "brier": (reference("brier"), (0.148333, 0.152917, 1.2150e-3, 0.001397989, 0.000862095)),
    "accuracy": (reference("accuracy@0.45"), (0.75, 0.833333, 0.015625, 0.020254630, 0.006944444)),
    "roc_auc": (reference("roc_auc"), (0.885714, 0.857143, 7.7668e-3, 0.011965015, 0.005631431)),
    "average_precision": (
        reference("average_precision"),
        (0.826190, 0.871111, 0.017727, 0.011113522, 0.007197720),
    ),
    "recall": (reference("recall@0.45"), (0.8, 0.8, 0.032, 0.08, 0.106666667)),
    "precision": (reference("precision@0.45"), (0.666667, 0.8, 0.037037, 0.020148148, 0.005557202)),
    "f1": (reference("f1@0.45"), (0.727273, 0.8, 0.022949, 0.032893054, 0.014723366)),
    "calibration slope": (calibration_slope, (2.360961, 2.117016, 0.75339, 2.201324712, 0.218989469)),
    "selection ratio": (
        lambda y, p: ratio_of_rates((p >= 0.45).astype(np.float64), np.ones(y.size), G, 1, 0),
        (2, 4, 1.6667, 10.666666667, 6.370370370),
    ),
    "value": (
        worth(lambda y, p: np.where(p >= 0.45, np.where(y == 1, 10.0, -1.0), 0.0), ("binary",)).value_and_influence,
        (3.166667, 3.25, 1.9560, 1.395254630, 1.673611111),
    ),
    "mae": (reference("mae"), (0.666667, 0.458333, 0.025463, 0.029369213, 0.006365741)),
    "rmse": (reference("rmse"), (0.866025, 0.629153, 0.03125, 0.024243178, 0.017760420)),
    "r2": (reference("r2"), (0.815068, 0.902397, 2.3809e-3, 0.002884646, 0.001315292)),
}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_values_and_variances_are_those_of_the_reference(name: str) -> None:
    metric, expected = REFERENCE[name]
    y, a, b = (YR, RA, RB) if name in ("mae", "rmse", "r2") else (Y, A, B)
    value_a, influence_a = metric(y, a)
    value_b, influence_b = metric(y, b)
    paired = influence_b - influence_a
    of_days = np.bincount(DAY, weights=paired)
    found = (
        value_a,
        value_b,
        (influence_a**2).sum() / 144,
        (paired**2).sum() / 144,
        4 / 3 * (of_days**2).sum() / 144,
    )
    assert found == pytest.approx(expected, abs=1e-6, rel=2e-5), "the third is printed with five digits"
    assert found[3:] == pytest.approx(expected[3:], abs=1e-9)


SKLEARN: dict[str, Callable[..., float]] = {
    "log_loss": lambda y, p, w=None: sk.log_loss(y, p, sample_weight=w, labels=[0, 1]),
    "brier": lambda y, p, w=None: sk.brier_score_loss(y, p, sample_weight=w, labels=[0, 1]),
    "accuracy": lambda y, p, w=None: sk.accuracy_score(y, p >= 0.5, sample_weight=w),
    "roc_auc": lambda y, p, w=None: sk.roc_auc_score(y, p, sample_weight=w),
    "mae": lambda y, p, w=None: sk.mean_absolute_error(y, p, sample_weight=w),
    "rmse": lambda y, p, w=None: sk.root_mean_squared_error(y, p, sample_weight=w),
    "r2": lambda y, p, w=None: sk.r2_score(y, p, sample_weight=w),
    "average_precision": lambda y, p, w=None: sk.average_precision_score(y, p, sample_weight=w),
    "recall": lambda y, p, w=None: sk.recall_score(y, p >= 0.5, sample_weight=w),
    "precision": lambda y, p, w=None: sk.precision_score(y, p >= 0.5, sample_weight=w),
    "f1": lambda y, p, w=None: sk.f1_score(y, p >= 0.5, sample_weight=w),
    "precision_at_top": lambda y, p, w=None: top_by_hand(y, p, np.ones(y.size) if w is None else w, share=0.5),
    "mean_calibration_error": lambda y, p, w=None: abs(np.average(y - p, weights=w)),
    "calibration_slope_error": lambda y, p, w=None: abs(slope_of_statsmodels(y, p, w) - 1),
}

NAMED = {"precision_at_top": "precision_at_top@0.5"}


def top_by_hand(y: np.ndarray, p: np.ndarray, w: np.ndarray, *, share: float) -> float:
    """Positive weight among the top share of the weight, the last score's rows taken in part."""
    place, found = share * w.sum(), 0.0
    for score in np.unique(p)[::-1]:
        rows = p == score
        taken = min(w[rows].sum(), place)
        found += taken * np.average(y[rows], weights=w[rows])
        place -= taken
    return float(found / (share * w.sum()))


def slope_of_statsmodels(y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
    import statsmodels.api as sm

    design = sm.add_constant(np.log(p / (1 - p)))
    return float(sm.GLM(y, design, family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-14).params[1])


def test_every_metric_is_checked_against_another_package() -> None:
    assert set(SKLEARN) | set(SHOWN_ONLY) == set(METRIC_TASKS)


def has_a_kink(name: str, y: np.ndarray, p: np.ndarray) -> bool:
    """Whether the metric bends just here, so that it has no derivative: the next score waits right at the top's end,
    or the error is 0."""
    if name == "precision_at_top":
        ends = np.cumsum(np.unique(-p, return_counts=True)[1])
        return bool((ends == y.size / 2).any())
    return name in ("mean_calibration_error", "calibration_slope_error") and SKLEARN[name](y, p) < 1e-3


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


@pytest.mark.parametrize("name", sorted(SKLEARN))
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_influence_is_the_derivative_of_another_packages_metric_by_a_rows_weight(name: str, data: Any) -> None:
    y, p = data.draw(labels_and_predictions(name))
    try:
        value, influence = load_metric(NAMED.get(name, name)).value_and_influence(y, p)
    except Undefined:
        reject()
    assert value == pytest.approx(SKLEARN[name](y, p), abs=1e-9)
    assume(not has_a_kink(name, y, p))
    step = 1e-4
    for row in range(y.size):
        more, less = np.ones(y.size), np.ones(y.size)
        more[row] += step
        less[row] -= step
        slope = y.size * (SKLEARN[name](y, p, more) - SKLEARN[name](y, p, less)) / (2 * step)
        assert influence[row] == pytest.approx(slope, abs=1e-6, rel=1e-5)
    assert influence.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_certain_miss_costs_as_much_as_in_scikit_learn(dtype: Any) -> None:
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


@pytest.mark.parametrize(
    ("name", "needed"),
    [("recall", 200), ("f1", 60), ("average_precision", 60), ("precision_at_top", 60), ("calibration_slope_error", 60)],
)
def test_metrics_of_the_positive_rows_need_more_of_them(name: str, needed: int) -> None:
    for positives, reason in ((needed - 1, f"{needed - 1} positive rows; {needed} are needed"), (needed, None)):
        y = np.repeat([1.0, 0.0], [positives, 5_000])
        assert load_metric(name).undecidable(y, y, y) == reason


def test_precision_needs_rows_that_both_models_flag() -> None:
    y, many, few = np.zeros(1_000), np.repeat([0.9, 0.1], [200, 800]), np.repeat([0.9, 0.1], [199, 801])
    assert load_metric("precision").undecidable(y, many, many) is None
    assert "199 rows at or above the cut 0.5" in str(load_metric("precision").undecidable(y, many, few))


def test_selection_is_decidable_from_two_hundred_of_each_group() -> None:
    group = np.repeat([0, 1], [500, 500])
    p = np.repeat([0.9, 0.1, 0.9, 0.1], [300, 200, 199, 301])
    metric = among(group, ["old", "young"])
    assert metric.undecidable(p, p, p) == "199 rows selected of group young; 200 needed"
    assert metric.value_and_influence(p, p)[0] == pytest.approx(199 / 300)


def test_ece_is_shown_and_never_decides() -> None:
    y, p = np.tile([1.0, 0.0], 5_000), np.full(10_000, 0.4)
    assert load_metric("ece").value_and_influence(y, p)[0] == pytest.approx(0.1)
    assert "decides nothing" in str(load_metric("ece").undecidable(y, p, p))


@pytest.mark.parametrize("given", [np.ones(3), np.full(5, np.nan)])
def test_a_value_function_that_does_not_return_one_number_per_row_is_named(given: np.ndarray) -> None:
    with pytest.raises(ValueFailed, match=r"metric 'value' (returned|did not return)"):
        worth(lambda y, p: given, ("binary",)).value_and_influence(np.ones(5), np.ones(5))


def test_parted_classes_have_no_slope() -> None:
    with pytest.raises(Undefined, match="parts the classes"):
        calibration_slope(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.8, 0.3, 0.1]))


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
