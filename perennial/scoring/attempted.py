"""A candidate's predictions for a batch, or why it has none: nobody is given them, so nothing else may fail with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from perennial.errors import PerennialError, TransientError
from perennial.model.released import Serving
from perennial.scoring.batch import Predictions, scored
from perennial.scoring.elsewhere import Elsewhere
from perennial.secrets import masked
from perennial.store.stored_rows import StoredRows, parts_of
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd

_LONGEST = 300
log = logging.getLogger("perennial.scoring")


def attempted(
    load: Callable[[], Serving], rows: pd.DataFrame | StoredRows, schema: Schema, elsewhere: Elsewhere | None
) -> tuple[Predictions, str | None]:
    """The predictions, and None; or none for any row, and why. A missing or infinite prediction is kept as it is.

    load: loads the candidate. elsewhere: as of `scored`. Raises TransientError, which may resolve itself.
    """
    try:
        predicted = scored(load(), rows, schema, elsewhere)
        given = len(predicted.values)
        if given == len(rows):
            return predicted, None
        why = f"the model gave {given:,} predictions for {len(rows):,} rows"
    except TransientError:
        raise
    except Exception as error:
        if not isinstance(error, PerennialError):
            log.warning("the candidate raised on a batch", exc_info=error)
        why = str(error) if isinstance(error, PerennialError) else f"{type(error).__name__}: {error}"
    nothing = Predictions(next(parts_of(rows, list(schema.key))).head(0), schema.key, np.empty(0), same_again=False)
    return nothing, masked(why.split("\n")[0])[:_LONGEST]
