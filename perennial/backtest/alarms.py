"""What the channels of the loss look at in a life: the rows of a history with their times, and which are declared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.backtest.history import History
from perennial.clock import instant
from perennial.errors import InputError
from perennial.evaluation.arrays import IntArray
from perennial.features.recipe import recipe_of
from perennial.ledger.entries import BatchEntry
from perennial.our_columns import FIRST_KNOWN_AT
from perennial.usecase.declaration import Declaration, Triggers, UseCase
from perennial.watching.channels import may_retrain

if TYPE_CHECKING:
    import pandas as pd

    from perennial.features.recipe import Recipe

OF_THE_LOSS = ("gap", "level")
"""Channels that need only what a life has: labels and the predictions of what is live."""


@dataclass(frozen=True)
class Alarms:
    """What the channels look at beside the stream: its n rows, with their times, and the batch of each of m moments.

    channels: those of the loss. order: shape (n,), the places in key order. known: shape (n,), datetime64[us] in UTC,
    since when a label counts. days: shape (n,), datetime64[D], the local day of each event.
    """

    declaration: Declaration
    channels: tuple[str, ...]
    recipe: Recipe
    batches: tuple[BatchEntry, ...]
    rows: pd.DataFrame
    order: IntArray
    known: np.ndarray
    days: np.ndarray

    @property
    def watched(self) -> Declaration:
        """The declaration with only these channels."""
        watch = self.declaration.watch.model_copy(update={"channels": self.channels})
        return self.declaration.model_copy(update={"watch": watch})

    def at(self, moment: int) -> datetime:
        """The time of a moment."""
        return instant(self.batches[moment].arrived_at)


def channels_of_the_loss(declaration: Declaration) -> tuple[str, ...]:
    """Those that are declared and whose alarms may start a training.

    Where `triggers.on_drift` is false, the life shows what the default would do.
    """
    triggers = declaration.triggers if declaration.triggers.on_drift else Triggers()
    watched = [name for name in declaration.watch.channels if name in OF_THE_LOSS]
    return tuple(name for name in watched if triggers.retrains(name, may=may_retrain(name)))


def require_channels(declaration: Declaration) -> None:
    """Raises InputError if no declared channel of the loss may start a training."""
    if not channels_of_the_loss(declaration):
        raise InputError(
            "schedule: on_drift needs an alarm of the loss that may start a training, and "
            f"{declaration.name} declares none",
            code="backtest-no-alarm",
            field="watch.channels",
            value=", ".join(declaration.watch.channels),
            fix="Add gap or level to watch.channels, and to triggers.on_drift if that is a list.",
        )


def alarms_of(case: UseCase, history: History) -> Alarms:
    """What the channels look at on a use case's own history."""
    schema, rows = case.declaration.schema_, history.rows
    newest = {instant(batch.arrived_at): batch for batch in history.batches}
    return Alarms(
        declaration=case.declaration,
        channels=channels_of_the_loss(case.declaration),
        recipe=recipe_of(case),
        batches=tuple(newest[known.as_of] for known in history.known),
        rows=rows,
        order=rows.reset_index(drop=True).sort_values(list(schema.key)).index.to_numpy(dtype=np.int64),
        known=rows[FIRST_KNOWN_AT].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
        days=rows[schema.time].dt.tz_convert(schema.timezone).dt.tz_localize(None).to_numpy().astype("datetime64[D]"),
    )
