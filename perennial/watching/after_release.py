"""The rows since a champion's release, none of which it was trained on, by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.ledger.entries import Day
from perennial.our_columns import FIRST_KNOWN_AT, LABEL
from perennial.scoring.predicted import Predictor, goes_by_row
from perennial.store.batch_rows import bounds_on_disk, rows_on_disk
from perennial.store.known import Known
from perennial.store.rows import labels_of, read_rows, weights_of
from perennial.store.stored_rows import StoredRows, parts_of, together
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.model.released import Serving

SHADOW_DAYS, WITHIN = 28, timedelta(days=56)
"""A shadow learns from the newest 28 labelled days, if they lie within 56 days."""


@dataclass(frozen=True)
class AfterRelease:
    """Rows whose label became known after a release.

    rows: n labelled rows in key order. days: shape (n,), datetime64[D], the local day of each event. known: shape (n,),
    datetime64[us] in UTC, since when the label counts. labels: shape (n,). predicted: by the evaluated models, shape
    (n,) or (n, K). If the rows are on disk, these arrays are too.
    rows_of_day: day → its rows with or without a label, apart from those labelled before the release.
    timezone: of the days. weights: shape (n,), how much each row counts; None if all count the same. by_row: as of
    `Inputs`.
    """

    rows: pd.DataFrame | StoredRows
    days: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    rows_of_day: dict[np.datetime64, int]
    timezone: str = "UTC"
    weights: np.ndarray | None = None
    by_row: bool = True


def rows_after_release(
    tables: Tables,
    declaration: Declaration,
    known: Known,
    champion: Serving,
    since: datetime,
    recorded: tuple[Day, ...],
    predictor: Predictor,
) -> AfterRelease:
    """What is needed to measure the days after the newest `recorded` one.

    since: the champion's release. Rows of batches that ended more than `WITHIN` before
    that day are not read, so the cost does not grow with the number of batches.
    """
    schema = declaration.schema_
    late = bool(known.label_batches) or schema.label_known_at is not None
    earliest = since - (max(WITHIN, schema.label_known_after) if late else schema.label_known_after)
    start = earliest if not recorded else max(earliest, instant(f"{recorded[-1].day}T00:00:00Z") - WITHIN)
    only = tuple(b.batch for b in known.batches if instant(b.end) > start) or known.batch_ids[-1:]
    rows_of_day = Counter[np.datetime64]()

    def are_labelled(rows: pd.DataFrame) -> pd.Series:
        new = ~(rows[FIRST_KNOWN_AT] <= since)  # not `>`: rows without a label stay
        distinct, counts = np.unique(_days(rows[new], schema), return_counts=True)
        rows_of_day.update(dict(zip(distinct, counts.tolist(), strict=True)))
        return new & rows[LABEL].notna()

    def keeps(part: pa.Table) -> pa.Array:
        import pyarrow as pa

        return pa.array(are_labelled(part.select([schema.time, FIRST_KNOWN_AT, LABEL]).to_pandas()))

    labelled: pd.DataFrame | StoredRows
    bounds = bounds_on_disk(tables, known, only)
    if bounds is None:
        rows = read_rows(tables, declaration.name, schema, known, only=only)
        labelled = rows[are_labelled(rows)].reset_index(drop=True)
    else:
        labelled = rows_on_disk(tables, bounds, declaration.name, schema, known, only, keeps)

    def column(name: str, of_part: Callable[[pd.DataFrame], np.ndarray]) -> np.ndarray:
        return together(labelled, map(of_part, parts_of(labelled, [name])))

    return AfterRelease(
        rows=labelled,
        days=column(schema.time, lambda part: _days(part, schema)),
        known=column(FIRST_KNOWN_AT, _known),
        labels=column(LABEL, lambda part: labels_of(part, schema)),
        predicted=champion.blended(predictor.predictions(champion.models, labelled), schema.classes),
        rows_of_day=dict(rows_of_day),
        timezone=schema.timezone,
        weights=weights_of(labelled, schema),
        by_row=goes_by_row(champion.champion),
    )


def _days(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    local = rows[schema.time].dt.tz_convert(schema.timezone).dt.tz_localize(None)
    return local.to_numpy().astype("datetime64[D]")


def _known(rows: pd.DataFrame) -> np.ndarray:
    return rows[FIRST_KNOWN_AT].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
