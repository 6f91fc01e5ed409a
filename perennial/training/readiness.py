"""Whether there are enough rows to train on. Too few is a temporary state, not a failure of the estimator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from perennial.errors import TerminalError
from perennial.evaluation.figures import counted
from perennial.ledger.entries import Postponed

if TYPE_CHECKING:
    import pandas as pd

    from perennial.usecase.declared_schema import Schema

FEWEST_ROWS = 20
"""Labelled rows. With fewer, an estimator only learns noise, and many cannot be fitted at all."""


class NotTrainableYet(TerminalError):
    """There is not enough data for a model yet. The message is a clause, for `NotYet`."""

    code = "not-trainable-yet"


@dataclass(frozen=True)
class NotYet:
    """No challenger could be trained yet, and why; more data will change that, or a later run if it is `postponed`."""

    why: str
    postponed: Postponed | None = None


def refuse_too_little(labels: pd.Series, schema: Schema) -> None:
    """Raises NotTrainableYet for fewer than `FEWEST_ROWS` labels, or labels of one class. labels: without nulls."""
    if len(labels) < FEWEST_ROWS:
        rows = "1 row has a label" if len(labels) == 1 else f"{len(labels)} rows have a label"
        raise NotTrainableYet(f"{rows}, and a model needs {FEWEST_ROWS}")
    if schema.task != "regression":
        refuse_one_class(list(labels.unique()), len(labels), schema.task)


def refuse_one_class(values: list[object], rows: int, task: str) -> None:
    """Raises NotTrainableYet if a classifier would see a single class. values: the distinct labels."""
    if task == "regression" or len(values) > 1:
        return
    needs = "a binary model needs rows of both classes" if task == "binary" else "a model needs rows of two classes"
    spelled = f"{values[0]:g}" if isinstance(values[0], float) else f"{values[0]}"
    raise NotTrainableYet(f"{'the only label is' if rows == 1 else f'all {rows:,} labels are'} {spelled}, and {needs}")


def no_label_yet(rows: int, next_known: datetime | None, schema: Schema) -> str:
    """Why rows without any label cannot be trained on. next_known: when the first label will be known."""
    if next_known is None:
        return f"{counted(rows, 'row has', 'rows have')} arrived, none with a label" if rows else "no row has arrived"
    return f"no label is known before {next_known.astimezone(ZoneInfo(schema.timezone)):%Y-%m-%d}"
