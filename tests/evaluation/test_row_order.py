"""A comparison is the same to the last bit for any order of rows, any partition of them and any number of threads."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from perennial.evaluation.comparison import compare
from perennial.evaluation.fixed_point import back, exact_mean, exact_sum, scale_of, sums_by, whole_sums
from perennial.evaluation.judgement import Asked
from perennial.evaluation.metrics import METRIC_TASKS
from perennial.evaluation.metrics.value import worth
from perennial.evaluation.paired import Paired, paired
from perennial.evaluation.results import MetricResult

ROWS, DAYS = 6_000, 40
MONEY = worth(lambda y, p: np.where(p > 0.4, 1e6 * y - 123_456.78 * p, 0.0), ("binary",))


def rows_of(task: str, seed: int, *, shuffled: int | None = None) -> Paired:
    """Six thousand rows of forty days, of two hundred customers, with scores that are often equal."""
    chance = np.random.default_rng(seed)
    day = np.sort(chance.integers(0, DAYS, ROWS))
    day[:DAYS] = np.arange(DAYS)
    customer = chance.integers(0, 200, ROWS)
    if task == "regression":
        y = np.exp(chance.normal(10, 2, ROWS))
        models = [y * chance.normal(1, spread, ROWS) for spread in (0.2, 0.19)]
    elif task == "multiclass":
        y = chance.integers(0, 3, ROWS).astype(np.float64)
        models = [chance.dirichlet(weights, ROWS) for weights in ([1, 1, 1], [2, 1, 1])]
    else:
        score = chance.normal(size=ROWS)
        y = (chance.uniform(size=ROWS) < 1 / (1 + np.exp(-score))).astype(np.float64)
        models = [1 / (1 + np.exp(-np.round(score + chance.normal(0, spread, ROWS), 2))) for spread in (1, 0.9)]
    order = np.arange(ROWS) if shuffled is None else np.random.default_rng(shuffled).permutation(ROWS)
    return paired(
        y[order], models[0][order], models[1][order], day[order], second=("customer", customer[order].astype(np.int64))
    )


def results(task: str, seed: int = 0, *, shuffled: int | None = None) -> dict[str, MetricResult]:
    names = [name for name, tasks in METRIC_TASKS.items() if task in tasks]
    asked = [Asked(name, "guard", margin=0.01, at_least=-1e9) for name in names]
    if task == "binary":
        asked.append(Asked("money", "guard", margin=1.0, metric=MONEY))
    found = compare(rows_of(task, seed, shuffled=shuffled), metrics=asked)
    return {result.name: result for result in found}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_order_of_rows_changes_no_bit_of_a_comparison(task: str) -> None:
    as_they_came = results(task)
    assert all(each.gain is not None and any(each.sums) for each in as_they_came.values())
    for seed in range(3):
        shuffled = results(task, shuffled=seed)
        different = [name for name, result in as_they_came.items() if shuffled[name] != result]
        assert not different


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_threads_change_no_bit_of_a_comparison(task: str) -> None:
    with threadpool_limits(1):
        alone = results(task)
    with threadpool_limits(2):
        assert results(task) == alone


finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@given(
    values=st.lists(st.tuples(finite, st.integers(0, 3)), min_size=1, max_size=40),
    seed=st.integers(0, 2**32 - 1),
    cut=st.integers(0, 40),
)
def test_sums_depend_neither_on_order_nor_on_partition(values: list[tuple[float, int]], seed: int, cut: int) -> None:
    numbers = np.array([value for value, _ in values])
    groups = np.array([group for _, group in values])
    order = np.random.default_rng(seed).permutation(len(values))
    assert exact_sum(numbers[order]) == exact_sum(numbers)
    assert sums_by(numbers[order], groups[order], 4).tobytes() == sums_by(numbers, groups, 4).tobytes()
    exact = [back(total, scale_of(numbers)) for total in whole_sums(numbers, groups, 4, scale_of(numbers))]
    assert sums_by(numbers, groups, 4).tolist() == exact
    parts = [(numbers[:cut], groups[:cut]), (numbers[cut:], groups[cut:])]
    scale = min(scale_of(part) for part, _ in parts)
    assert scale == scale_of(numbers), "each worker can find the scale of all"
    one, other = (whole_sums(part, codes, 4, scale) for part, codes in parts)
    assert list(one + other) == list(whole_sums(numbers, groups, 4, scale))


@given(values=st.lists(finite, min_size=1, max_size=40))
def test_a_sum_is_off_by_less_than_floats_are(values: list[float]) -> None:
    exact = sum((Fraction(value) for value in values), Fraction())
    largest = max(abs(Fraction(value)) for value in values)
    cut_off, rounded = len(values) * largest / 2**61, abs(exact) / 2**52 + Fraction(5e-324)
    assert abs(Fraction(exact_sum(np.array(values))) - exact) <= cut_off + rounded


def test_a_mean_of_equal_values_is_that_value() -> None:
    for value in (0.1, 1e-300, 36.04365338911715, 1e15 + 0.25):
        assert exact_mean(np.full(1000, value)) == value
