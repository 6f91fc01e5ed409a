"""A snapshot: exactly the rows that a model is trained on, identified by their content."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from perennial.clock import write_instant
from perennial.content import digest_rows
from perennial.identity import short_id
from perennial.ledger.entries import Snapshot
from perennial.our_columns import BATCH, LABEL
from perennial.store.known import Known
from perennial.store.rows import content, next_label, read_rows
from perennial.store.tables import Tables
from perennial.training.readiness import NotTrainableYet, no_label_yet, refuse_too_little
from perennial.usecase.declaration import Declaration
from perennial.usecase.windows import read_window, window_in_words
from perennial.usecase.windows.window import Past

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def training_rows(
    tables: Tables, declaration: Declaration, known: Known, until: datetime | None = None
) -> pd.DataFrame:
    """Labelled rows inside the single declared window, in key order, with labels as known at `known.as_of`.

    until: only rows of events before it, and the window as it was then. Raises NotTrainableYet if there are too few,
    or only one class.
    """
    labelled = labelled_rows(tables, declaration, known)
    if labelled is None or labelled.empty:
        schema, arrived = declaration.schema_, sum(batch.rows.accepted for batch in known.batches)
        raise NotTrainableYet(no_label_yet(arrived, next_label(tables, declaration.name, schema, known), schema))
    return rows_to_learn(declaration, known, labelled, until)


def rows_to_learn(
    declaration: Declaration, known: Known, labelled: pd.DataFrame, until: datetime | None = None
) -> pd.DataFrame:
    """As `training_rows`, from all labelled rows."""
    schema, window = declaration.schema_, declaration.model.window
    if until is not None:
        labelled = labelled[labelled[schema.time] < until]
        before = set(labelled[BATCH])
        known = replace(known, as_of=until, batches=tuple(b for b in known.batches if b.batch in before))
    rows = inside(window, labelled, labelled[schema.time], known)
    if rows.empty:
        raise NotTrainableYet(f"no row of the window ({window_in_words(window)}) has a label yet")
    refuse_too_little(rows[LABEL], schema)
    return rows.reset_index(drop=True)


def labelled_rows(tables: Tables, declaration: Declaration, known: Known) -> pd.DataFrame | None:
    """All rows whose label is known, regardless of the window, in key order; None before the first batch."""
    return read_rows(tables, declaration.name, declaration.schema_, known, labelled=True) if known.batches else None


def inside(window: Any, rows: pd.DataFrame, at: pd.Series, known: Known) -> pd.DataFrame:
    """The rows inside a single window. A decay keeps them all and weighs them in the fit."""
    read = read_window(window)
    kept = read.keeps(Past(at, rows[BATCH], known.batch_ids, known.as_of)) if read else None
    return rows if kept is None else rows[kept]


def age_weights(window: Any, at: pd.Series) -> np.ndarray | None:
    """Each row's weight in a fit, shape (n,); None if all weigh the same."""
    read = read_window(window)
    return read.weights(at) if read else None


def snapshot_of(
    tables: Tables, declaration: Declaration, known: Known, rows: pd.DataFrame, until: datetime | None = None
) -> Snapshot:
    """Identify the rows by batches, label batches, time, table version and a digest in key order."""
    schema = declaration.schema_
    times = rows[schema.time]
    version = tables.version(declaration.name, "accepted")
    values = {
        "as_of": write_instant(known.as_of),
        "batches": known.batch_ids,
        "label_batches": known.label_batch_ids,
        "rows": len(rows),
        "first": write_instant(_instant(times.min())),
        "last": write_instant(_instant(times.max())),
        "digest": digest_rows(content(rows), list(schema.key)),
        "declaration_digest": declaration.digest,
        **({} if until is None else {"until": write_instant(until)}),
    }
    # The version is not part of the identity: compaction creates a new one without changing a row.
    return Snapshot.model_validate(
        {
            "snapshot": short_id(values),
            "table": tables.place(declaration.name, "accepted"),
            "version": version or 0,
            **values,
        }
    )


def covers(snapshot: Snapshot, known: Known) -> bool:
    """Whether a snapshot covers the same batches and label batches that are known now."""
    return (snapshot.batches, snapshot.label_batches) == (known.batch_ids, known.label_batch_ids)


def _instant(value: pd.Timestamp) -> datetime:
    moment: datetime = value.to_pydatetime()
    return moment
