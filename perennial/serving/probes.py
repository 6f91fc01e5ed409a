"""Rows on which a scorer is compared with its pipeline: the golden ones, and made-up ones with everything unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from perennial.serving.scorers.scorer import Columns, Model

_PER_GOLDEN = 3
_USUAL = (0.0, -0.0, 1.0, -1.0, 0.1, 1e-30)
_HUGE = (1e-300, 1e300, -1e300, float(2**53))

Takes = Literal["anything", "no huge numbers", "no missing numbers", "only usual rows"]
"""What a pipeline predicts for without an error, from the most to the least: it may convert numbers to 32 bits, or have
no use for a missing number; usual rows have neither, and no category that training had not."""
LEVELS: tuple[Takes, ...] = get_args(Takes)
_UNSEEN = ("never seen in training", "", "é")


def probe_rows(model: Model, golden: Mapping[str, Any], takes: Takes) -> dict[str, list[Any]]:
    """Input rows, the same ones at each call: column → values, None if missing.

    golden: as `perennial.model.golden.made_up_rows` makes them. Each is repeated with some values replaced: by
    missing ones, by categories seen and unseen, by extreme numbers, and by numbers at which a tree splits, as far as
    the pipeline `takes` them.
    """
    level = LEVELS.index(takes)
    usual = takes == "only usual rows"
    draw = np.random.default_rng(17)
    rows = [list(row) for row in golden["data"]]
    cuts = _cuts(model)
    columns: dict[str, list[Any]] = {}
    for place, name in enumerate(golden["columns"]):
        values = [row[place] for row in rows]
        text = name in model.text
        choices: Sequence[Any]
        if text and any(isinstance(each, bool) for each in values):
            choices = [True, False]
        elif text:
            choices = [*model.seen.get(name, ())[:200], *(() if usual else _UNSEEN)] or [None]
        else:
            choices = [*_USUAL, *(_HUGE if level == 0 else ()), *cuts.get(name, ())]
        absent = 0.0 if usual or (level >= 2 and not text) else 0.2
        made = list(values)
        for _ in range(_PER_GOLDEN):
            kept, missing = draw.random(len(values)), draw.random(len(values))
            picked = draw.integers(0, len(choices), len(values))
            made += [
                None if missing[i] < absent else values[i] if kept[i] < 0.5 else choices[int(picked[i])]
                for i in range(len(values))
            ]
        columns[name] = made
    return columns


def _cuts(model: Model) -> dict[str, list[float]]:
    """Column of numbers → some of the values at which HistGradientBoosting's trees split it, where `<=` matters."""
    predictors = getattr(model.pipeline[-1], "_predictors", None)
    if predictors is None:
        return {}
    numbers = [name for name in model.names if name not in model.text]
    cuts: dict[str, list[float]] = {name: [] for name in numbers}
    first = len(model.text)
    for tree in (tree for iteration in predictors[:20] for tree in iteration):
        splits = tree.nodes[(tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] == 0)]
        for feature, threshold in zip(splits["feature_idx"], splits["num_threshold"], strict=True):
            place = int(feature) - first
            if 0 <= place < len(numbers) and np.isfinite(threshold):
                cuts[numbers[place]].append(float(threshold))
    return cuts


def rows_of(columns: Columns, first: int, end: int) -> dict[str, Sequence[Any]]:
    """Some of the rows."""
    return {name: values[first:end] for name, values in columns.items()}
