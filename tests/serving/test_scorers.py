"""Every kind of scorer gives its pipeline's bits, for one record or many."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from perennial.model.artifact import Fitted, load
from perennial.model.predicting import ready
from perennial.serving.checker import Checker
from perennial.serving.fields import Field, Fields
from perennial.serving.scorers.scorer import Model
from perennial.serving.scorers.whole_pipeline import predictions, same_bits
from perennial.serving.served import ServedModel, open_model
from tests.serving.conftest import NUMBERS, TEXT, TYPES, Keep, as_fitted, fitted, records, target, trips, unusual

HGB = "sklearn.ensemble.HistGradientBoosting"
FEW = {"max_iter": 25, "early_stopping": False}
CHECKER = Checker(Fields(tuple(Field(name, kind, True) for name, kind in TYPES.items()), frozenset(), "UTC"), {})


def linear(task: str, classes: int = 2) -> tuple[Fitted, pd.DataFrame]:
    """A team's pipeline with one-hot and scaling, which needs every number."""
    inputs = trips().fillna({"wind": 9.5})
    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(TEXT)),
            ("numbers", StandardScaler(), list(NUMBERS)),
        ]
    )
    estimator = Ridge() if task == "regression" else LogisticRegression(max_iter=500)
    pipeline = Pipeline([("estimator", Pipeline([("columns", columns), ("model", estimator)]))])
    pipeline.fit(ready(inputs), target(inputs, task, classes))
    return as_fitted(pipeline, task, inputs, classes), inputs


KINDS: dict[str, tuple[str, Callable[[], tuple[Fitted, pd.DataFrame]]]] = {
    "binary": ("hist_gradient_boosting", lambda: fitted(f"{HGB}Classifier", "binary", FEW)),
    "classes": ("hist_gradient_boosting", lambda: fitted(f"{HGB}Classifier", "multiclass", FEW, 3)),
    "many classes": ("hist_gradient_boosting", lambda: fitted(f"{HGB}Classifier", "multiclass", FEW, 10)),
    "regression": ("hist_gradient_boosting", lambda: fitted(f"{HGB}Regressor", "regression", FEW)),
    "one-hot trees": (
        "hist_gradient_boosting",
        lambda: fitted(f"{HGB}Classifier", "binary", FEW, categories="onehot"),
    ),
    "lightgbm": ("lightgbm", lambda: fitted("lightgbm.LGBMClassifier", "binary", {"n_estimators": 25})),
    "lightgbm classes": ("lightgbm", lambda: fitted("lightgbm.LGBMClassifier", "multiclass", {"n_estimators": 9}, 4)),
    "lightgbm regression": ("lightgbm", lambda: fitted("lightgbm.LGBMRegressor", "regression", {"n_estimators": 9})),
    "xgboost": ("xgboost", lambda: fitted("xgboost.XGBClassifier", "binary", {"n_estimators": 25})),
    "xgboost classes": ("xgboost", lambda: fitted("xgboost.XGBClassifier", "multiclass", {"n_estimators": 9}, 4)),
    "xgboost regression": ("xgboost", lambda: fitted("xgboost.XGBRegressor", "regression", {"n_estimators": 9})),
    "logistic": ("linear", lambda: linear("binary")),
    "logistic classes": ("linear", lambda: linear("multiclass", 4)),
    "ridge": ("linear", lambda: linear("regression")),
    "forest": (
        "pipeline",
        lambda: fitted("sklearn.ensemble.RandomForestClassifier", "binary", {"n_estimators": 10, "max_depth": 4}),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_records_are_scored_with_the_bits_of_the_pipeline(name: str, keep: Keep, tmp_path: Path) -> None:
    kind, make = KINDS[name]
    folder, digest = keep(*make())
    served = open_model(folder, digest, tmp_path / "cache", TYPES)
    assert (served.kind, served.warnings) == (kind, ())
    rows = pd.concat([unusual(), trips(100, seed=5)], ignore_index=True)
    if served.artifact.takes == "no missing numbers":
        rows = rows.fillna({"wind": 7.0, "distance": 1.0, "stops": 0.0})
    if served.artifact.takes == "no huge numbers":
        rows["distance"] = rows["distance"].clip(upper=1e6)
    expected = of_the_pipeline(folder, digest, served, rows)
    sent = records(rows)
    assert same_bits(score(served, sent), expected).all()
    alone = np.concatenate([score(served, [record]) for record in sent[:60]])
    assert same_bits(alone, expected[:60]).all()


def score(served: ServedModel, sent: list[dict[str, Any]]) -> np.ndarray:
    """As the service does it: from the bytes of a request."""
    return served.score(CHECKER.decode(json.dumps(sent).encode()))


def of_the_pipeline(folder: Path, digest: str, served: ServedModel, rows: pd.DataFrame) -> np.ndarray:
    model = load(folder, digest)
    facts = served.artifact
    whole = Model(model.pipeline, facts.task, facts.names, facts.text, facts.seen)
    return predictions(whole, rows[list(facts.names)], facts.asked)
