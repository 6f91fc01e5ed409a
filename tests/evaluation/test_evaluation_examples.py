"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import perennial.evaluation
import perennial.watching

MODULES = [
    module.name
    for package in (perennial.evaluation, perennial.watching)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_metric_and_interval_has_an_example() -> None:
    must = ["metrics.log_loss", "metrics.brier", "metrics.roc_auc", "metrics.accuracy", "metrics.mae", "metrics.rmse"]
    must += [f"intervals.{name}" for name in ("ewc", "cv3", "cluster_interval", "day_t", "row_t", "mde", "dependence")]
    must += ["comparison"]
    for name in must:
        module = importlib.import_module(f"perennial.evaluation.{name}")
        assert any(test.examples for test in doctest.DocTestFinder().find(module)), name
