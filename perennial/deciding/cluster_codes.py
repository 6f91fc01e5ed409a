"""Which cluster each evaluation row belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.arrays import IntArray
from perennial.evaluation.figures import UNITS
from perennial.usecase.declared_evaluation import EvaluationRules
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd

Named = tuple[tuple[str, ...], IntArray]
"""Names, and the position of each row's name among them, shape (n,)."""


def cluster_names(rows: pd.DataFrame, schema: Schema, evaluation: EvaluationRules) -> Named:
    """The local day (2013-01-31), ISO week (2013-W05) or value of the declared column of each row.

    Days and weeks are those of the schema's time zone. Rows without a value form one cluster, named `nothing`.
    """
    import pandas as pd

    unit = evaluation.cluster_name
    if unit not in UNITS:
        return group_names(rows, unit)
    pattern = {"day": "%Y-%m-%d", "week": "%G-W%V"}[unit]
    codes, days = pd.factorize(rows[schema.time].dt.tz_convert(schema.timezone).dt.normalize())
    return tuple(day.strftime(pattern) for day in days), codes.astype(np.int64)


def group_names(rows: pd.DataFrame, column: str) -> Named:
    """The value of a column as text; `nothing` where it is missing."""
    import pandas as pd

    codes, values = pd.factorize(rows[column])
    return (*pd.Series(values).astype("str"), "nothing"), np.where(codes < 0, len(values), codes).astype(np.int64)


def coded(parts: Iterable[Named]) -> tuple[tuple[str, ...], Iterator[IntArray]]:
    """The names that rows have, in order, and for each part the position of its rows' names among them.

    >>> names, codes = coded([(("b", "a", "z"), np.array([0, 1])), (("c", "b"), np.array([0, 1]))])
    >>> names, np.concatenate(list(codes)).tolist()
    (('a', 'b', 'c'), [1, 0, 2, 1])
    """
    held = [(names, codes.astype(np.int32)) for names, codes in parts]
    used = {names[place] for names, codes in held for place in np.unique(codes)}
    place = {name: number for number, name in enumerate(sorted(used))}
    return tuple(place), (
        np.array([place.get(name, 0) for name in names], dtype=np.int64)[codes] for names, codes in held
    )
