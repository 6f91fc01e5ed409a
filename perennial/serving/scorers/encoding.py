"""Columns as the matrix that an estimator gets: the steps of a fitted pipeline before its last, as plain tables.

What a fitted encoder makes of each value is asked of the encoder itself, value by value, and kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perennial.serving.scorers.scorer import Columns, Model, NotThisKind

_UNSEEN = "\u0000never seen in training"


@dataclass(frozen=True)
class Block:
    """One input column's part of the matrix.

    table: value → what stands for it, w numbers, and `missing` and `unseen` likewise; None for a number as it is.
    steps: what happens to a number, in order: ("fill", a), ("subtract", a), ("divide", a), ("multiply", a), ("add", a).
    """

    name: str
    table: Mapping[str | bool, tuple[float, ...]] | None = None
    missing: tuple[float, ...] = ()
    unseen: tuple[float, ...] = ()
    steps: tuple[tuple[str, float], ...] = ()

    @property
    def width(self) -> int:
        return 1 if self.table is None else len(self.unseen)


@dataclass(frozen=True)
class Encoding:
    """The blocks of a matrix, left to right."""

    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", sum(block.width for block in self.blocks))
        writers, place = [], 0
        for block in self.blocks:
            writers.append((block.name, _writer(block, place)))
            place += block.width
        object.__setattr__(self, "_writers", tuple(writers))

    width: int = 0

    def matrix(self, columns: Columns) -> np.ndarray:
        """float64, shape (n, width), C order."""
        n = len(columns[self.blocks[0].name]) if self.blocks else 0
        made = np.empty((n, self.width))
        for name, write in self._writers:  # type: ignore[attr-defined]
            write(made, columns[name])
        return made

    def facts(self) -> list[dict[str, Any]]:
        """As JSON, in which NaN is null."""
        return [
            {
                "name": block.name,
                "values": None if block.table is None else list(block.table),
                "numbers": None if block.table is None else [_nulls(row) for row in block.table.values()],
                "missing": _nulls(block.missing),
                "unseen": _nulls(block.unseen),
                "steps": [list(step) for step in block.steps],
            }
            for block in self.blocks
        ]


def encoding_from(facts: Iterable[Mapping[str, Any]]) -> Encoding:
    """The encoding that `Encoding.facts` describes."""
    return Encoding(
        tuple(
            Block(
                each["name"],
                None
                if each["values"] is None
                else {v: _nans(row) for v, row in zip(each["values"], each["numbers"], strict=True)},
                _nans(each["missing"]),
                _nans(each["unseen"]),
                tuple((what, number) for what, number in each["steps"]),
            )
            for each in facts
        )
    )


def encoding_of(transformer: Any, model: Model) -> Encoding:
    """The encoding of a fitted ColumnTransformer of encoders, scalers and imputers. Raises NotThisKind."""
    from sklearn.compose import ColumnTransformer

    if not isinstance(transformer, ColumnTransformer):
        raise NotThisKind(f"the step before the estimator is {type(transformer).__name__}")
    if transformer.transformer_weights:
        raise NotThisKind("the ColumnTransformer has weights")
    blocks: list[Block] = []
    for _, step, columns in transformer.transformers_:
        if isinstance(step, str) and step == "drop":
            continue
        names = _names(columns, model.names)
        if names:
            blocks += _blocks(step, names, model)
    return Encoding(tuple(blocks))


def _names(columns: Any, names: Sequence[str]) -> list[str]:
    if isinstance(columns, str):
        return [columns]
    chosen = list(columns)
    if chosen and all(isinstance(each, bool | np.bool_) for each in chosen):
        return [name for name, here in zip(names, chosen, strict=True) if here]
    return [each if isinstance(each, str) else names[int(each)] for each in chosen]


def _blocks(step: Any, names: list[str], model: Model) -> list[Block]:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if isinstance(step, OneHotEncoder | OrdinalEncoder):
        return _encoded(step, names, model)
    texts = [name for name in names if name in model.text]
    if texts:
        raise NotThisKind(f"the text column {texts[0]!r} is not encoded by an OneHotEncoder or OrdinalEncoder")
    inner = [each for _, each in step.steps] if isinstance(step, Pipeline) else [step]
    steps: list[list[tuple[str, float]]] = [[] for _ in names]
    for each in inner:
        for made, more in zip(steps, _number_steps(each, len(names)), strict=True):
            made += more
    return [Block(name, steps=tuple(made)) for name, made in zip(names, steps, strict=True)]


def _number_steps(step: Any, count: int) -> list[list[tuple[str, float]]]:
    """What a fitted step does with each of `count` columns of numbers, in the order in which it does so."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

    if step is None or step == "passthrough":
        return [[] for _ in range(count)]
    if isinstance(step, FunctionTransformer) and step.func is None:
        return [[] for _ in range(count)]
    if isinstance(step, StandardScaler):
        subtract = _each("subtract", step.mean_ if step.with_mean else None, count)
        divide = _each("divide", step.scale_ if step.with_std else None, count)
        return [[*first, *second] for first, second in zip(subtract, divide, strict=True)]
    if isinstance(step, MinMaxScaler) and not step.clip:
        pairs = zip(_each("multiply", step.scale_, count), _each("add", step.min_, count), strict=True)
        return [[*first, *second] for first, second in pairs]
    if isinstance(step, SimpleImputer) and not step.add_indicator and _is_nan(step.missing_values):
        if len(step.statistics_) != count or np.isnan(np.asarray(step.statistics_, dtype=float)).any():
            raise NotThisKind("the SimpleImputer drops a column")
        return _each("fill", step.statistics_, count)
    raise NotThisKind(f"{type(step).__name__} has no plain form")


def _each(what: str, numbers: Any, count: int) -> list[list[tuple[str, float]]]:
    return [[] for _ in range(count)] if numbers is None else [[(what, float(number))] for number in numbers]


def _encoded(encoder: Any, names: list[str], model: Model) -> list[Block]:
    """Every value of each column, one missing and one unseen, as the encoder writes them."""
    import pandas as pd

    first = {name: _known(categories)[:1] for name, categories in zip(names, encoder.categories_, strict=True)}
    widths = getattr(encoder, "_n_features_outs", None) or [1] * len(names)
    blocks, place = [], 0
    for name, categories, width in zip(names, encoder.categories_, widths, strict=True):
        if name not in model.text:
            raise NotThisKind(f"the column {name!r} of numbers is encoded as categories")
        known = _known(categories)
        asked = [*known, None, _UNSEEN]
        columns = {other: asked if other == name else ([*first[other], None][:1]) * len(asked) for other in names}
        frame = pd.DataFrame({other: pd.Series(values, dtype="object") for other, values in columns.items()})
        try:
            written = encoder.transform(frame)
        except ValueError as error:
            raise NotThisKind(f"the encoder of {name!r} refuses a missing or unseen value") from error
        if not isinstance(written, np.ndarray):
            raise NotThisKind(f"the encoder of {name!r} does not return a dense array")
        rows = [tuple(float(number) for number in row[place : place + width]) for row in written]
        blocks.append(Block(name, dict(zip(known, rows, strict=False)), rows[-2], rows[-1]))
        place += width
    return blocks


def _known(categories: Any) -> list[str | bool]:
    return [bool(c) if isinstance(c, bool | np.bool_) else str(c) for c in categories if not _is_nan(c)]


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _writer(block: Block, place: int) -> Callable[[np.ndarray, Sequence[Any]], None]:
    """Writes a column's values into a matrix at its place."""
    if block.table is None:
        return _number_writer(place, block.steps)
    if len(block.unseen) == 1:
        codes: dict[Any, float] = {value: row[0] for value, row in block.table.items()}
        codes[None] = block.missing[0]
        rest = block.unseen[0]

        def write_codes(matrix: np.ndarray, values: Sequence[Any]) -> None:
            matrix[:, place] = [codes.get(value, rest) for value in values]

        return write_codes
    rows: dict[Any, tuple[float, ...]] = {**block.table, None: block.missing}
    others, end = block.unseen, place + len(block.unseen)

    def write_rows(matrix: np.ndarray, values: Sequence[Any]) -> None:
        matrix[:, place:end] = [rows.get(value, others) for value in values]

    return write_rows


def _number_writer(place: int, steps: tuple[tuple[str, float], ...]) -> Callable[[np.ndarray, Sequence[Any]], None]:
    def write(matrix: np.ndarray, values: Sequence[Any]) -> None:
        matrix[:, place] = values
        if not steps:
            return
        column = matrix[:, place]
        for what, number in steps:
            if what == "fill":
                column[np.isnan(column)] = number
            else:
                _ARITHMETIC[what](column, number, out=column)

    return write


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "subtract": np.subtract,
    "divide": np.divide,
    "multiply": np.multiply,
    "add": np.add,
}


def _nulls(numbers: Iterable[float]) -> list[float | None]:
    return [None if math.isnan(number) else number for number in numbers]


def _nans(numbers: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if number is None else number for number in numbers)
