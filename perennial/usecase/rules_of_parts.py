"""Mistakes in a fit that reads its rows from disk part by part."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.usecase.document import Document
from perennial.usecase.importable import is_own
from perennial.usecase.mistakes import Mistake

XGBOOST = ("XGBClassifier", "XGBRegressor")
PARTIAL_FIT = (
    *("BernoulliNB", "CategoricalNB", "ComplementNB", "GaussianNB", "MultinomialNB"),
    *("MLPClassifier", "MLPRegressor", "PassiveAggressiveRegressor", "SGDClassifier", "SGDRegressor"),
)
"""The predictors of scikit-learn with `partial_fit` that the tasks can use."""


def parts_rules(document: Document) -> Iterator[Mistake]:
    """Parts with an estimator that needs all rows at once, beside a field that does, or with passes that do not count.

    An estimator of a custom function or of another package is asked when it is fitted.
    """
    parts = document.at("model", "parts")
    if not isinstance(parts, dict):
        return
    estimator = str(document.text("model", "estimator"))
    package, name = estimator.partition(".")[0], estimator.rpartition(".")[2]
    known = {"sklearn": PARTIAL_FIT, "xgboost": XGBOOST, "lightgbm": ()}
    if not is_own(estimator) and name not in known.get(package, (name,)):
        yield document.mistake(
            ("model", "estimator"),
            f"'{estimator}' needs all rows in memory, and model.parts reads them from disk",
            "use an estimator with partial_fit, such as sklearn.linear_model.SGDClassifier, or xgboost.XGBClassifier; "
            "or declare model.sample instead of parts",
            code="parts-estimator",
        )
    if package == "xgboost" and parts.get("passes", 1) != 1:
        yield document.mistake(
            ("model", "parts", "passes"),
            f"{parts['passes']} passes have no effect on XGBoost, which reads the rows once for every level of a tree",
            "set n_estimators in params, and remove passes",
            code="parts-passes",
        )
    if package == "sklearn" and parts.get("workers", 1) != 1:
        yield document.mistake(
            ("model", "parts", "workers"),
            f"{parts['workers']} workers cannot share a fit with partial_fit, which learns one part after another",
            "use xgboost.XGBClassifier or xgboost.XGBRegressor, or remove workers",
            code="parts-workers",
        )
    window = document.at("model", "window")
    beside = [name for name in ("sample", "search", "rivals") if document.at("model", name)]
    for field in [*beside, *(["window"] if isinstance(window, list) else [])]:
        what = f"a list of {len(window)} windows holds" if field == "window" else f"'{field}' holds"
        yield document.mistake(
            ("model", field),
            f"{what} its rows in memory, and model.parts does not",
            f"remove {'all windows but one' if field == 'window' else field}, or parts",
            code="parts-alone",
        )
