"""The naive model that a first model must beat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.evaluation.baseline import naive_prediction, skill
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.metric import Undefined


@pytest.mark.parametrize(
    ("task", "metric", "constant"),
    [
        ("binary", "log_loss", 0.25),
        ("binary", "roc_auc", 0.25),
        ("regression", "mae", 0.0),
        ("regression", "rmse", 0.25),
    ],
)
def test_naive_is_a_constant_of_the_training_labels(task: str, metric: str, constant: float) -> None:
    assert naive_prediction(task, metric, np.array([0.0, 0.0, 0.0, 1.0]), 3).tolist() == [constant] * 3


@pytest.mark.parametrize(("task", "metric"), [("binary", "log_loss"), ("binary", "brier"), ("regression", "rmse")])
@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=5, max_size=40), st.floats(0.01, 0.99))
def test_no_other_constant_does_better_on_the_rows_it_was_made_of(
    task: str, metric: str, labels: list[float], other: float
) -> None:
    y = np.array(labels)
    against, _ = load_metric(metric).value_and_influence(y, np.full(y.size, other))
    assert naive_value(task, metric, y, y) <= against + 1e-9


@pytest.mark.parametrize("labels", [[], [0.0, np.nan]])
def test_without_training_labels_there_is_no_baseline(labels: list[float]) -> None:
    with pytest.raises(ValueError, match="needs training labels"):
        naive_prediction("binary", "log_loss", np.array(labels), 3)


def naive_value(task: str, metric: str, y: np.ndarray, training_labels: np.ndarray) -> float:
    return load_metric(metric).value_and_influence(y, naive_prediction(task, metric, training_labels, y.size))[0]


def test_naive_auc_is_a_coin_and_undefined_on_one_class() -> None:
    assert naive_value("binary", "roc_auc", np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0])) == 0.5
    with pytest.raises(Undefined):
        naive_value("binary", "roc_auc", np.ones(3), np.array([1.0, 0.0]))


@pytest.mark.parametrize(
    ("metric", "champion", "naive", "expected"),
    [
        ("log_loss", 0.30, 0.45, 0.15),
        ("log_loss", 0.50, 0.45, None),
        ("log_loss", 0.45, 0.45, None),
        ("roc_auc", 0.70, 0.5, 0.2),
        ("roc_auc", 0.40, 0.5, None),
        ("log_loss", None, 0.45, None),
        ("log_loss", 0.3, None, None),
    ],
)
def test_skill_is_what_the_champion_adds_or_unknown(
    metric: str, champion: float | None, naive: float | None, expected: float | None
) -> None:
    assert skill(load_metric(metric).direction, champion, naive) == (
        None if expected is None else pytest.approx(expected)
    )
