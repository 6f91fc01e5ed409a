"""The labelled rows of the newest days, and when anything became known last: what the plan of a training looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from perennial.our_columns import ARRIVED_AT, FIRST_KNOWN_AT, KNOWN_AT
from perennial.store.known import Known
from perennial.store.rows import Selection, read_parts, read_rows
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_judge import Newest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class NewestRows:
    """rows: of the newest days that have labels, in key order. known_at: when a label or a row of any day came last."""

    rows: pd.DataFrame
    known_at: datetime


def newest_rows(tables: Tables, declaration: Declaration, known: Known) -> NewestRows | None:
    """The rows of the declared newest days and of one day more, which shows that there are more.

    None without any labelled row, or if no newest days are declared. Older rows are read part by part and not kept.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    judge, schema, usecase = declaration.release.judge, declaration.schema_, declaration.name
    if not isinstance(judge, Newest) or not known.batches:
        return None
    days: set[pd.Timestamp] = set()
    last: list[datetime] = []
    for part in read_parts(tables, usecase, schema, known, labelled=True, columns=[schema.time]):
        if part.num_rows:
            days.update(part[schema.time].to_pandas().dt.tz_convert(schema.timezone).dt.normalize().unique())
            last += [pc.max(part[name]).as_py() for name in (ARRIVED_AT, KNOWN_AT, FIRST_KNOWN_AT)]
    if not days:
        return None
    since = sorted(days)[-judge.days - 1 :][0]

    def keeps(part: pa.Table) -> pa.Array:
        return pa.array(part[schema.time].to_pandas() >= since)

    newest = Selection(keeps, since)
    return NewestRows(read_rows(tables, usecase, schema, known, labelled=True, selection=newest), max(last))
