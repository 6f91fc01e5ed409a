"""What a model may learn from: which columns, as what, and which predict the answer too well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perennial.usecase.drafting.sample import Column, Sample, written_for_people

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TOO_WELL = {"binary": 0.97, "multiclass": 0.97, "regression": 0.95}
"""ROC AUC, accuracy or R² of one column alone on later rows, above which it is kept from the model."""

ASKED = {"binary": 0.85, "multiclass": 0.9, "regression": 0.8}
"""The same, above which it is a feature with a question beside it."""

_MOST_ROWS = 20_000
_RUNNING = 0.95  # rank correlation with time
_CODE_NAMES = re.compile(r"(^|_)(id|code|zip|plz|type|class|category|precinct)$|(Id|Code|Zip|Type|Precinct)$")
_MOST_CODES = 100
_MOST_WORDS = 1_000


@dataclass(frozen=True)
class Leak:
    """A column that tells the target too well alone. score: of the measure, on `rows` later rows."""

    column: str
    measure: str
    score: float
    rows: int


@dataclass(frozen=True)
class GuessedFeatures:
    """Columns by what they are good for.

    asked: features that predict much alone. left_out: (column, why). questions: of those, what only a person knows.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    never: tuple[Leak, ...]
    asked: tuple[Leak, ...]
    left_out: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...] = ()


def features_of(
    sample: Sample, key: tuple[str, ...], time: str, target: str, task: str, times: pd.Series
) -> GuessedFeatures:
    """Every column that is neither key, time nor target, sorted."""
    numeric, categorical, never, asked, left_out, questions = [], [], [], [], [], []
    earlier_first = times.fillna(times.max()).argsort(kind="stable").to_numpy()
    for column in sample.columns.values():
        if column.name in (time, target):
            continue
        why_not = _useless(column, sample.rows, earlier_first)
        if column.name in key and (len(key) == 1 or column.distinct > _MOST_WORDS):
            why_not = "it is the key"
        elif why_not is not None and (question := _question(column)) is not None:
            questions.append((column.name, question))
        if why_not is not None:
            left_out.append((column.name, why_not))
            continue
        as_words = _is_categorical(column) or column.name in key
        leak = _leak(column, sample.columns[target], task, earlier_first, as_words=as_words)
        if leak is not None and leak.score > TOO_WELL[task]:
            never.append(leak)
            continue
        if leak is not None:
            asked.append(leak)
        if as_words:
            categorical.append(column.name)
        else:
            numeric.append(column.name)
    return GuessedFeatures(
        tuple(numeric), tuple(categorical), tuple(never), tuple(asked), tuple(left_out), tuple(questions)
    )


def _question(column: Column) -> str | None:
    """What to ask about a column that is left out though it may say something."""
    if column.kind == "timestamp" or _is_clock(column):
        return "is it known before the event? Then derive a feature from it with a function"
    if (example := written_for_people(column)) is not None:
        return f"is it a number? It is written like {example!r}; written as 1234.50 at the source, it can be a feature"
    return None


def _is_clock(column: Column) -> bool:
    """Whether a text holds the time of a day alone: 17:24 or 17:24:00."""
    if column.kind != "text":
        return False
    texts = column.values.dropna().astype("str")
    return bool(len(texts)) and bool(texts.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?").mean() > 0.99)


def _useless(column: Column, rows: int, earlier_first: np.ndarray) -> str | None:
    if column.kind == "unusable":
        return column.example
    if column.kind == "empty":
        return "it is empty in every row"
    if column.distinct == 1 and not column.nulls:
        return f"it is {column.values.iloc[0]} in every row"
    if column.kind == "timestamp" or _is_clock(column):
        return "a second time; a derived feature could use it"
    if written_for_people(column) is not None:
        return "its numbers are written for people, with thousands marks or a sign"
    if column.kind == "integer" and column.distinct == rows > 2 and _grows(column.values, earlier_first):
        return "a running number: it grows with time"
    if column.kind == "text" and column.distinct > min(_MOST_WORDS, 0.5 * (rows - column.nulls)):
        return f"{column.distinct:,} different texts: a name or free text"
    return None


def _grows(values: pd.Series, earlier_first: np.ndarray) -> bool:
    import numpy as np

    ranks = values.iloc[earlier_first].rank().to_numpy(dtype=float)
    return abs(float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])) > _RUNNING


def _is_categorical(column: Column) -> bool:
    if column.kind == "text":
        return True
    return column.kind == "integer" and column.distinct <= _MOST_CODES and bool(_CODE_NAMES.search(column.name))


def _leak(column: Column, target: Column, task: str, order: np.ndarray, *, as_words: bool) -> Leak | None:
    """Whether a small tree on this column alone, fitted on the earlier 70 % of rows, tells the later ones well."""
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
    told = tree.predict(x[parted:, None])
    if task == "regression":
        measure, score = "R²", float(r2_score(later, told))
    elif task == "binary":
        measure, score = "ROC AUC", float(roc_auc_score(later, tree.predict_proba(x[parted:, None])[:, 1]))
    else:
        measure, score = "accuracy", float(accuracy_score(later, told))
        if np.bincount(np.unique(later, return_inverse=True)[1]).max() / len(later) > 0.9:
            return None
    return Leak(column.name, measure, score, len(later)) if score > ASKED[task] else None


def _numbers(values: pd.Series) -> np.ndarray:
    """Values as floats, texts by their place among the different ones, nothing as NaN."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        found: np.ndarray = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return found
    codes, _ = pd.factorize(values, sort=True)
    return np.where(codes < 0, np.nan, codes.astype(np.float64))


def _means(values: pd.Series, y: np.ndarray, parted: int) -> np.ndarray:
    """Each text as the mean target of the earlier rows that have it; NaN for one that none of them has."""
    import pandas as pd

    texts = values.astype("str").reset_index(drop=True)
    means = pd.Series(y[:parted]).groupby(texts.iloc[:parted]).mean()
    found: np.ndarray = texts.map(means).to_numpy(dtype="float64")
    return found
