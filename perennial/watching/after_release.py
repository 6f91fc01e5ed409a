"""The rows since a champion's release, none of which it was trained on, by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.ledger.entries import Day
from perennial.our_columns import FIRST_KNOWN_AT, LABEL
from perennial.store.known import Known
from perennial.store.rows import labels_of, read_rows, weights_of
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

    from perennial.model.released import Serving

SHADOW_DAYS, WITHIN = 28, timedelta(days=56)
"""A shadow learns from the newest 28 labelled days, if they lie within 56 days."""


@dataclass(frozen=True)
class AfterRelease:
    """Rows whose label became known after a release.

    rows: n labelled rows in key order. days: shape (n,), datetime64[D], the local day of each event. known: shape (n,),
    datetime64[us] in UTC, since when the label counts. labels: shape (n,). predicted: by the evaluated models, shape
    (n,) or (n, K). rows_of_day: day → its rows with or without a label, apart from those labelled before the release.
    timezone: of the days. weights: shape (n,), how much each row counts; None if all count the same.
    """

    rows: pd.DataFrame
    days: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    rows_of_day: dict[np.datetime64, int]
    timezone: str = "UTC"
    weights: np.ndarray | None = None


def rows_after_release(
    tables: Tables,
    declaration: Declaration,
    known: Known,
    champion: Serving,
    since: datetime,
    recorded: tuple[Day, ...],
) -> AfterRelease:
    """What is needed to measure the days after the newest `recorded` one.

    since: the champion's release. Rows of batches that ended more than `WITHIN` before that day are not read, so the
    cost does not grow with the number of batches.
    """
    schema = declaration.schema_
    late = bool(known.label_batches) or schema.label_known_at is not None
    earliest = since - (max(WITHIN, schema.label_known_after) if late else schema.label_known_after)
    start = earliest if not recorded else max(earliest, instant(f"{recorded[-1].day}T00:00:00Z") - WITHIN)
    only = tuple(b.batch for b in known.batches if instant(b.end) > start) or known.batch_ids[-1:]
    rows = read_rows(tables, declaration.name, schema, known, only=only)
    rows = rows[~(rows[FIRST_KNOWN_AT] <= since)]  # not `>`: rows without a label stay
    local = rows[schema.time].dt.tz_convert(schema.timezone).dt.tz_localize(None)
    days = local.to_numpy().astype("datetime64[D]")
    distinct, counts = np.unique(days, return_counts=True)
    is_labelled = rows[LABEL].notna().to_numpy()
    labelled = rows[is_labelled].reset_index(drop=True)
    predicted = champion.predict(labelled, schema.classes)
    return AfterRelease(
        rows=labelled,
        days=days[is_labelled],
        known=labelled[FIRST_KNOWN_AT].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
        labels=labels_of(labelled, schema),
        predicted=np.asarray(predicted),
        rows_of_day=dict(zip(distinct, counts.tolist(), strict=True)),
        timezone=schema.timezone,
        weights=weights_of(labelled, schema),
    )
