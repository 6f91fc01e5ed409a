"""Looking a metric or policy up by name: quick, helpful, and open to other people's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from perennial.errors import InputError
from perennial.evaluation.metrics import METRIC_TASKS, UnknownMetric, load_metric, tasks_of
from perennial.evaluation.policies import POLICIES, load_policy

ROOT = Path(__file__).parents[2]


def modules_after(code: str) -> set[str]:
    """What a fresh Python has imported after `code`."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


def test_checking_a_declaration_does_not_wait_for_numpy() -> None:
    found = modules_after(
        "from perennial.evaluation.metrics import tasks_of\n"
        "from perennial.evaluation.policies import POLICIES\n"
        "tasks_of('mae')"
    )
    assert "perennial.evaluation.metrics" in found
    assert not found & {"numpy", "scipy", "pydantic", "importlib.metadata"}


RULES = ("channels.level", "channels.unseen", "episodes", "reason_to_train")


def test_evaluation_and_the_rules_of_watching_know_neither_storage_nor_orchestration() -> None:
    walk = (
        "import importlib, pkgutil, perennial.{0} as package\n"
        "for m in pkgutil.walk_packages(package.__path__, package.__name__ + '.'): importlib.import_module(m.name)"
    )
    foreign = {"prefect", "mlflow", "great_expectations", "deltalake", "duckdb", "sqlalchemy", "pandas", "sklearn"}
    of_evaluation = modules_after(walk.format("evaluation"))
    assert "perennial.evaluation.policies.hold" in of_evaluation
    assert not of_evaluation & (foreign | {"perennial.store"})
    rules = ", ".join(f"perennial.watching.{name}" for name in RULES)
    assert not modules_after(f"import {rules}") & foreign


@pytest.mark.parametrize("name", sorted(METRIC_TASKS))
def test_the_register_agrees_with_the_metric(name: str) -> None:
    metric = load_metric(name)
    assert (metric.name, metric.tasks) == (name, METRIC_TASKS[name])
    assert tasks_of(name) == METRIC_TASKS[name]


def test_a_cut_follows_the_name() -> None:
    y, p = np.array([1.0, 1.0, 0.0]), np.array([0.4, 0.2, 0.35])
    assert load_metric("recall@0.3").value_and_influence(y, p)[0] == 0.5
    assert load_metric("recall").value_and_influence(y, p)[0] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("recall@2", "'@2' is not between 0 and 1; write for example recall@0.3"),
        ("recall@", "'@' is not between 0 and 1"),
        ("brier@0.3", "'brier' does not take a number"),
    ],
)
def test_a_wrong_cut_is_reported_with_how_to_fix_it(name: str, message: str) -> None:
    with pytest.raises(UnknownMetric) as refused:
        load_metric(name)
    assert message in str(refused.value)


def test_a_misspelt_metric_is_met_with_the_right_spelling() -> None:
    with pytest.raises(UnknownMetric) as told:
        load_metric("logloss")
    assert "unknown metric 'logloss'" in str(told.value)
    assert "did you mean 'log_loss'? Known metrics: accuracy, average_precision, brier" in str(told.value)
    assert isinstance(told.value, InputError)


PLUGIN = """
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.metrics.mae import mae, any_pair
METRIC = Metric("miles_off", ("regression",), "lower", mae, any_pair)
NO_METRIC = 1
"""


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that offers one metric and one mistake."""
    (tmp_path / "their_metrics.py").write_text(PLUGIN)
    info = tmp_path / "their_metrics-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-metrics\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[perennial.metrics]\nmiles_off = their_metrics:METRIC\nmistake = their_metrics:NO_METRIC\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_metrics", raising=False)


@pytest.mark.usefixtures("other_package")
def test_another_package_can_bring_a_metric() -> None:
    assert load_metric("miles_off").direction == "lower"
    assert tasks_of("miles_off") == ("regression",)


@pytest.mark.usefixtures("other_package")
def test_an_entry_point_that_is_no_metric_is_named() -> None:
    with pytest.raises(UnknownMetric, match="their_metrics:NO_METRIC is not a Metric"):
        load_metric("mistake")


def test_every_policy_loads_and_an_unknown_one_is_refused() -> None:
    assert all(callable(load_policy(name)) for name in POLICIES)
    with pytest.raises(InputError, match="unknown policy 'always'\n  Known policies: balanced, five_"):
        load_policy("always")
