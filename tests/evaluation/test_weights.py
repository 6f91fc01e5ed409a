"""Weighted rows: the values of scikit-learn's `sample_weight`, influences by finite differences, repeated rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perennial.evaluation.baseline import naive_prediction
from perennial.evaluation.comparison import compare
from perennial.evaluation.fixed_point import exact_sum
from perennial.evaluation.flips import flips
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters
from perennial.evaluation.intervals.cv3 import cv3
from perennial.evaluation.intervals.day_t import day_t
from perennial.evaluation.intervals.ewc import ewc
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import METRIC_TASKS, load_metric
from perennial.evaluation.metrics.black_box import black_box
from perennial.evaluation.metrics.group_ratio import among
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.value import worth
from perennial.evaluation.paired import Paired, paired
from perennial.evaluation.slices import Sliced, compare_slices
from perennial.evaluation.weights import effective_rows, mean_and_influence, median_of, relative
from tests.evaluation.test_metric_values import DAY, NAMED, RA, RB, SKLEARN, YR, A, B, G, Y

W = np.array([1, 2, 0.5, 3, 1, 1.5, 2, 0.25, 1, 4, 0.75, 2])
REGRESSION = ("mae", "rmse", "r2")


def ece_by_hand(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> float:
    """Bins of equal weight, ties together."""
    middles = {score: w[p < score].sum() + w[p == score].sum() / 2 for score in p}
    bins = np.array([min(int(middles[score] / w.sum() * 10), 9) for score in p])
    return float(sum(abs((w * (y - p))[bins == each].sum()) for each in range(10)) / w.sum())


def selection_by_hand(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> float:
    rates = [np.average(p[each == G] >= 0.45, weights=w[each == G]) for each in (0, 1)]
    return float(min(rates) / max(rates))


def money(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.where(p >= 0.45, np.where(y == 1, 10.0, -1.0), 0.0)


METRICS: dict[str, tuple[Metric, Callable[..., float]]] = {
    **{name: (load_metric(NAMED.get(name, name)), by) for name, by in SKLEARN.items()},
    "ece": (load_metric("ece"), ece_by_hand),
    "selection ratio": (among(G, ["0", "1"], cut=0.45), selection_by_hand),
    "value": (worth(money, ("binary",)), lambda y, p, w: float(np.average(money(y, p), weights=w))),
}


DIFFERENTIABLE = sorted(METRICS.keys() - {"ece"})
"""Whose influence is a derivative: that of ECE takes its bins as fixed."""


def shares(weights: np.ndarray) -> np.ndarray:
    found = relative(weights)
    assert found is not None
    return found


def rows_for(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (YR, RA, RB) if name in REGRESSION else (Y, A, B)


def test_every_metric_has_a_weighted_form() -> None:
    assert set(METRIC_TASKS) <= set(METRICS)
    assert all(metric.takes_weights for metric, _ in METRICS.values())


@pytest.mark.parametrize("name", sorted(METRICS))
def test_weighted_values_are_those_of_another_package(name: str) -> None:
    (metric, by), (y, a, b) = METRICS[name], rows_for(name)
    for p in (a, b):
        assert metric.measured(y, p, W)[0] == pytest.approx(by(y, p, W), abs=1e-12)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_influence_is_the_derivative_by_the_rows_own_weight(name: str) -> None:
    """Richardson's extrapolation of central differences of the other package's metric."""
    (metric, by), (y, a, _) = METRICS[name], rows_for(name)
    _, influence = metric.measured(y, a, W)

    def slope(row: int, step: float) -> float:
        more, less = W.copy(), W.copy()
        more[row] += step
        less[row] -= step
        return (by(y, a, more) - by(y, a, less)) / (2 * step)

    for row in range(y.size):
        derivative = (4 * slope(row, 5e-4) - slope(row, 1e-3)) / 3
        assert influence[row] == pytest.approx(y.size * W[row] * derivative, abs=2e-7)
    assert influence.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_weights_of_whole_numbers_are_repeated_rows(name: str) -> None:
    y, a, _ = rows_for(name)
    times = np.array([1, 2, 1, 3, 1, 2, 2, 1, 1, 4, 1, 2])
    again = np.repeat(np.arange(12), times)
    metric = METRICS[name][0]
    alone = among(G[again], ["0", "1"], cut=0.45) if name == "selection ratio" else metric
    weighted, of_rows = metric.measured(y, a, times.astype(float))
    repeated, of_copies = alone.measured(y[again], a[again])
    assert weighted == pytest.approx(repeated, abs=1e-12)
    assert of_rows / 12 == pytest.approx(np.bincount(again, of_copies) / again.size, abs=1e-9)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_equal_weights_change_no_bit(name: str) -> None:
    metric, (y, a, _) = METRICS[name][0], rows_for(name)
    value, influence = metric.measured(y, a)
    weighted, of_rows = metric.measured(y, a, np.full(12, 0.3))
    assert weighted == value
    assert of_rows.tolist() == influence.tolist()


@pytest.mark.parametrize("name", sorted(METRICS))
def test_the_order_of_weighted_rows_changes_no_bit_of_a_value(name: str) -> None:
    metric, (y, a, _) = METRICS[name][0], rows_for(name)
    if name == "selection ratio":
        pytest.skip("its groups are of rows in a fixed order")
    order = np.random.default_rng(3).permutation(12)
    assert metric.measured(y[order], a[order], W[order])[0] == metric.measured(y, a, W)[0]


def test_a_function_of_all_rows_gets_the_weights() -> None:
    metric = black_box(
        "mine", lambda y, p, w: float(np.average(abs(y - p), weights=w)), ("binary",), "lower", DAY, weighted=True
    )
    value, influence = metric.measured(Y, A, W)
    mean, of_rows = load_metric("mae").measured(Y, A, W)
    assert value == pytest.approx(mean, abs=1e-12)
    assert np.bincount(DAY, influence) == pytest.approx(np.bincount(DAY, of_rows), abs=1e-12)
    assert not black_box("other", lambda y, p: 0.0, ("binary",), "lower", DAY).takes_weights


def test_a_weighted_mean_has_the_variance_of_weighted_least_squares() -> None:
    """statsmodels' cluster-robust variance of a weighted regression on a constant (CR1, HC0 for rows alone)."""
    import statsmodels.api as sm

    row = abs(YR - RA)
    value, influence = load_metric("mae").measured(YR, RA, W)
    fitted = sm.WLS(row, np.ones(12), weights=W).fit()
    by_day = fitted.get_robustcov_results("cluster", groups=DAY, use_correction=False).bse[0]
    by_row = fitted.get_robustcov_results("HC0").bse[0]
    sums, sizes = sums_of_clusters(influence, DAY, 4), sums_of_clusters(shares(W), DAY, 4)
    interval = day_t(value, sums, sizes)
    assert value == pytest.approx(fitted.params[0], abs=1e-12)
    assert interval is not None
    assert interval.se == pytest.approx((4 / 3) ** 0.5 * by_day, rel=1e-9)
    assert (influence**2).sum() ** 0.5 / 12 == pytest.approx(by_row, rel=1e-9)


def test_the_jackknife_of_weighted_groups_leaves_their_weight_out() -> None:
    group = np.array([0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 5, 5])
    row = abs(YR - RA)
    value, influence = load_metric("mae").measured(YR, RA, W)
    interval = cv3(value, sums_of_clusters(influence, group, 6), sums_of_clusters(shares(W), group, 6))
    left = [np.average(row[group != g], weights=W[group != g]) for g in range(6)]
    assert interval is not None
    assert interval.se == pytest.approx((5 / 6 * sum((each - value) ** 2 for each in left)) ** 0.5, rel=1e-9)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_weighted_variances_are_those_of_an_independent_route(name: str) -> None:
    """Row variance of A and CR1 day variance of B − A, from finite differences by each weight of the other package."""
    (metric, by), (y, a, b) = METRICS[name], rows_for(name)

    def derivatives(p: np.ndarray) -> np.ndarray:
        made = np.empty(12)
        for row in range(12):
            steps = []
            for step in (1e-3, 5e-4):
                more, less = W.copy(), W.copy()
                more[row] *= 1 + step
                less[row] *= 1 - step
                steps.append((by(y, p, more) - by(y, p, less)) / (2 * step))
            made[row] = (4 * steps[1] - steps[0]) / 3
        return made

    of_a, of_b = derivatives(a), derivatives(b)
    found_a, found_b = (metric.measured(y, p, W)[1] / 12 for p in (a, b))
    assert (found_a**2).sum() == pytest.approx((of_a**2).sum(), rel=1e-5)
    days, of_days = (np.bincount(DAY, each) for each in (found_b - found_a, of_b - of_a))
    assert 4 / 3 * (days**2).sum() == pytest.approx(4 / 3 * (of_days**2).sum(), rel=1e-5, abs=1e-12)


def many(seed: int = 0, *, equal: bool = False, second: bool = False, cluster_by: str = "day") -> Paired:
    draw = np.random.default_rng(seed)
    day = np.repeat(np.arange(30), 40)
    chance = draw.uniform(0.1, 0.9, 1_200)
    y = (draw.random(1_200) < chance).astype(float)
    champion = np.clip(chance + draw.normal(0, 0.15, 1_200), 0.02, 0.98)
    weights = np.full(1_200, 0.5) if equal else draw.lognormal(0, 0.8, 1_200)
    customer = draw.integers(0, 40, 1_200)
    return paired(
        y,
        champion,
        chance,
        day,
        cluster_by=cluster_by,
        second=("customer", customer) if second else None,
        weights=weights,
    )


def asked(*names: str) -> list[Asked]:
    return [Asked(names[0], "primary"), *(Asked(name, "info") for name in names[1:])]


def unweighted(rows: Paired) -> Paired:
    clusters = rows.clusters
    return paired(
        rows.y, rows.champion, rows.challenger, clusters.codes, cluster_by=clusters.name, second=clusters.second
    )


def test_equal_weights_give_the_comparison_without_weights_to_the_last_bit() -> None:
    rows = many(equal=True, second=True)
    alone = unweighted(rows)
    names = asked(*(name for name, tasks in METRIC_TASKS.items() if "binary" in tasks))
    assert compare(rows, metrics=names) == compare(alone, metrics=names)
    group = [Sliced("half", ("a", "b"), np.arange(1_200) % 2)]
    metric = load_metric("log_loss")
    assert compare_slices(metric, rows, group) == compare_slices(metric, alone, group)
    assert flips(rows, of_classes=True, slices=group) == flips(alone, of_classes=True, slices=group)


@pytest.mark.parametrize(("cluster_by", "second"), [("day", False), ("site", False), ("day", True)])
def test_a_weighted_interval_does_not_depend_on_the_unit_of_the_weights(cluster_by: str, second: bool) -> None:
    rows = many(cluster_by=cluster_by, second=second)
    clusters = rows.clusters
    thousand = paired(
        rows.y,
        rows.champion,
        rows.challenger,
        clusters.codes,
        cluster_by=cluster_by,
        second=clusters.second,
        weights=1_000 * np.asarray(clusters.weights),
    )
    (one,), (other,) = (compare(each, metrics=asked("log_loss")) for each in (rows, thousand))
    assert one.gain == pytest.approx(other.gain, rel=1e-12)
    assert one.se == pytest.approx(other.se, rel=1e-12)
    assert one.gain != compare(unweighted(rows), metrics=asked("log_loss"))[0].gain


def test_a_weighted_interval_covers_the_weighted_mean_as_often_as_promised() -> None:
    """Days of very different weight, rows of a day alike: the true gain is 0, so 5 % of bounds may be above it."""
    draw, wrong = np.random.default_rng(5), 0
    day = np.repeat(np.arange(30), 20)
    for _ in range(400):
        weights = draw.lognormal(0, 0.5, 600) * np.repeat(draw.lognormal(0, 0.7, 30), 20)
        gain = draw.normal(0, 1, 600) + np.repeat(draw.normal(0, 0.5, 30), 20)
        mean, influence = mean_and_influence(gain, weights)
        interval = ewc(mean, sums_of_clusters(influence, day, 30), sums_of_clusters(shares(weights), day, 30))
        assert interval is not None
        wrong += interval.p_value < 0.05
    assert wrong / 400 < 0.08


def test_flips_are_shares_of_the_weight() -> None:
    day, y = np.repeat(np.arange(20), 5), np.ones(100)
    after = np.where(np.arange(100) % 5 == 0, 0.4, 0.8)
    weights = np.where(np.arange(100) % 5 == 0, 4.0, 1.0)
    rows = paired(y, np.full(100, 0.7), after, day, weights=weights)
    found = flips(rows, of_classes=True, slices=[Sliced("all", ("x",), np.zeros(100, dtype=np.int64))])
    assert found.negative is not None
    assert found.negative.share == pytest.approx(0.5)
    assert found.worst[0].share == pytest.approx(0.5)
    assert found.moved_95 == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("task", "metric", "expected"),
    [("binary", "log_loss", [0.75]), ("regression", "mae", [1.0]), ("multiclass", "log_loss", [0.25, 0.75, 0.0])],
)
def test_the_naive_model_is_weighted(task: str, metric: str, expected: list[float]) -> None:
    found = naive_prediction(task, metric, np.array([0.0, 1.0]), 1, 3, np.array([1.0, 3.0]))
    assert found.ravel().tolist() == expected


def test_a_weighted_median_is_that_of_repeated_rows() -> None:
    draw = np.random.default_rng(1)
    for n in range(1, 12):
        values, times = draw.integers(0, 6, n).astype(float), draw.integers(1, 4, n)
        assert median_of(values, times.astype(float)) == np.median(np.repeat(values, times))


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_a_weight_that_is_no_positive_number_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="positive, finite"):
        paired(Y, A, B, DAY, weights=np.array([wrong, *W[1:]]))
    with pytest.raises(ValueError, match="11 weights of 12 rows"):
        paired(Y, A, B, DAY, weights=W[1:])


def test_huge_and_tiny_weights_stay_finite() -> None:
    found = shares(np.array([1e300, 2e300, 1e-300]))
    assert exact_sum(found) == pytest.approx(3)
    assert 1 < effective_rows(found) < 3


def test_weights_divided_twice_are_those_divided_once() -> None:
    for seed in range(20):
        once = shares(np.random.default_rng(seed).lognormal(0, 2, 500))
        assert shares(once).tolist() == once.tolist()
