"""Reads the rows that a rule chooses: those of a few batches into memory, of large ones into a file in key order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from perennial.deciding.labelled_rows import EvaluationRows, clustered, labelled
from perennial.our_columns import ARRIVED_AT, BATCH, FIRST_KNOWN_AT, LABEL
from perennial.store.batch_rows import bounds_on_disk, rows_on_disk
from perennial.store.bounded import Bounds
from perennial.store.known import Known
from perennial.store.rows import read_rows
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Rule = Callable[["pd.DataFrame"], "pd.Series"]
"""Whether each row is chosen, from its time, batch, arrival, label, and since when the label counts."""


def chosen_rows(
    tables: Tables,
    declaration: Declaration,
    known: Known,
    only: tuple[str, ...],
    chosen: Rule,
    *,
    through_last_day: bool = False,
) -> EvaluationRows:
    """The chosen rows of some batches that are labelled; those without a label count as still to come.

    through_last_day: rows after the last day with a labelled one are not chosen. Raises OutOfMemory, DiskFull.
    """
    bounds = bounds_on_disk(tables, known, only)
    if bounds is not None:
        return _on_disk(tables, bounds, declaration, known, only, chosen, through_last_day)
    schema = declaration.schema_
    rows = read_rows(tables, declaration.name, schema, known, only=only)
    rows = rows[chosen(rows)]
    if through_last_day and rows[LABEL].notna().any():
        rows = rows[rows[schema.time] < _end_of_day(rows.loc[rows[LABEL].notna(), schema.time].max(), schema.timezone)]
    return labelled(declaration, rows)


def _on_disk(
    tables: Tables,
    bounds: Bounds,
    declaration: Declaration,
    known: Known,
    only: tuple[str, ...],
    chosen: Rule,
    through_last_day: bool,
) -> EvaluationRows:
    schema = declaration.schema_
    looked_at = [schema.time, BATCH, ARRIVED_AT, FIRST_KNOWN_AT, LABEL]
    without_label: list[pd.Series] = []

    def keeps(part: pa.Table) -> pa.Array:
        import pyarrow as pa

        rows = part.select(looked_at).to_pandas()
        is_chosen, has_label = chosen(rows), rows[LABEL].notna()
        without_label.append(rows.loc[is_chosen & ~has_label, schema.time])
        return pa.array(is_chosen & has_label)

    rows = rows_on_disk(tables, bounds, declaration.name, schema, known, only, keeps)
    if through_last_day and len(rows):
        end = _end_of_day(max(part[schema.time].max() for part in rows.frames([schema.time])), schema.timezone)
        without_label = [each[each < end] for each in without_label]
    every = len(rows) + sum(map(len, without_label))
    return clustered(declaration, rows, len(rows) / every if every else 0.0)


def _end_of_day(moment: pd.Timestamp, timezone: str) -> pd.Timestamp:
    return moment.tz_convert(timezone).normalize() + timedelta(days=1)
