"""Whether rows can be trained on yet. Too little is a state that more data ends, not a failure of the estimator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.errors import TerminalError
from perennial.evaluation.figures import counted

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.declared_schema import Schema

FEWEST_ROWS = 20
"""Labelled rows. With fewer, whatever an estimator learns is noise, and many cannot be fitted at all."""


class NotTrainableYet(TerminalError):
    """What is known so far is too little for any model. The message is a clause, for `NotYet`."""

    code = "not-trainable-yet"


@dataclass(frozen=True)
class NotYet:
    """No challenger could be trained, and why; more data will end it."""

    why: str


def refuse_too_little(labels: pd.Series, schema: Schema) -> None:
    """Raises NotTrainableYet for fewer than `FEWEST_ROWS` labels, or labels of one class. labels: none is null."""
    if len(labels) < FEWEST_ROWS:
        rows = "1 row has a label" if len(labels) == 1 else f"{len(labels)} rows have a label"
        raise NotTrainableYet(f"{rows}, and a model needs {FEWEST_ROWS}")
    refuse_one_class(list(labels.unique()), len(labels), schema.task)


def refuse_one_class(values: list[object], rows: int, task: str) -> None:
    """Raises NotTrainableYet where a classifier would see a single class. values: those of the labels, each once."""
    if task == "regression" or len(values) > 1:
        return
    needs = "a binary model needs rows of both classes" if task == "binary" else "a model needs rows of two classes"
    spelled = f"{values[0]:g}" if isinstance(values[0], float) else f"{values[0]}"
    raise NotTrainableYet(f"{'the only label is' if rows == 1 else f'all {rows:,} labels are'} {spelled}, and {needs}")


def no_label_yet(rows: int, next_known: datetime | None, schema: Schema) -> str:
    """Why nothing can be learned from rows of which none has a label. next_known: when the first one will have."""
    if next_known is None:
        return f"{counted(rows, 'row has', 'rows have')} arrived, none with a label" if rows else "no row has arrived"
    return f"no label is known before {next_known.astimezone(ZoneInfo(schema.timezone)):%Y-%m-%d}"
