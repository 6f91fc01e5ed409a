"""Columns that by themselves predict the target suspiciously well: they may be known only after the event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.usecase.drafting.sample import Column

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TOO_WELL = {"binary": 0.97, "multiclass": 0.97, "regression": 0.95}
"""ROC AUC, accuracy or R² of one column alone on later rows, above which it is kept from the model."""

ASKED = {"binary": 0.85, "multiclass": 0.9, "regression": 0.8}
"""The same, above which it is a feature with a question beside it."""

_MOST_ROWS = 20_000


@dataclass(frozen=True)
class Leak:
    """A column that predicts the target suspiciously well by itself. score: of the measure, on `rows` later rows."""

    column: str
    measure: str
    score: float
    rows: int


def leak_of(column: Column, target: Column, task: str, order: np.ndarray, *, as_words: bool) -> Leak | None:
    """Whether a small tree on this column alone, fitted on the earlier 70 % of rows, predicts the later ones well."""
    import numpy as np
    from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    known = order[target.values.notna().to_numpy()[order]]
    if len(known) > _MOST_ROWS:
        known = known[np.linspace(0, len(known) - 1, _MOST_ROWS).astype(np.int64)]
    parted = int(0.7 * len(known))
    y = _numbers(target.values.iloc[known])
    later, earlier = y[parted:], y[:parted]
    if len(np.unique(earlier)) < 2 or len(np.unique(later)) < 2:
        return None
    x = _numbers(column.values.iloc[known]) if not as_words else _means(column.values.iloc[known], y, parted)
    tree: Any = (DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier)(
        max_leaf_nodes=64, min_samples_leaf=5, random_state=0
    )
    tree.fit(x[:parted, None], earlier)
    predictions = tree.predict(x[parted:, None])
    if task == "regression":
        measure, score = "R²", float(r2_score(later, predictions))
    elif task == "binary":
        measure, score = "ROC AUC", float(roc_auc_score(later, tree.predict_proba(x[parted:, None])[:, 1]))
    else:
        measure, score = "accuracy", float(accuracy_score(later, predictions))
        if np.bincount(np.unique(later, return_inverse=True)[1]).max() / len(later) > 0.9:
            return None
    return Leak(column.name, measure, score, len(later)) if score > ASKED[task] else None


def _numbers(values: pd.Series) -> np.ndarray:
    """Values as floats, texts by their place among the different ones, nothing as NaN."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers: np.ndarray = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers
    codes, _ = pd.factorize(values, sort=True)
    return np.where(codes < 0, np.nan, codes.astype(np.float64))


def _means(values: pd.Series, y: np.ndarray, parted: int) -> np.ndarray:
    """Each text as the mean target of the earlier rows that have it; NaN for one that none of them has."""
    import pandas as pd

    texts = values.astype("str").reset_index(drop=True)
    means = pd.Series(y[:parted]).groupby(texts.iloc[:parted]).mean()
    values_of_texts: np.ndarray = texts.map(means).to_numpy(dtype="float64")
    return values_of_texts
