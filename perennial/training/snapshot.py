"""A snapshot: exactly the rows that a model is trained on, identified by their content."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from perennial.clock import write_instant
from perennial.identity import short_id
from perennial.ledger.entries import Snapshot
from perennial.store.known import Known
from perennial.store.tables import Tables
from perennial.training.digest_of_rows import rows_digest
from perennial.training.opened_rows import OpenedRows
from perennial.training.rows import TrainingRows
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd


def snapshot_of(
    tables: Tables,
    declaration: Declaration,
    known: Known,
    training: TrainingRows | OpenedRows,
    until: datetime | None = None,
) -> Snapshot:
    """Identify the rows by batches, label batches, time, table version and a digest in key order."""
    schema, rows = declaration.schema_, training.rows
    times = rows[schema.time]
    version = tables.version(declaration.name, "accepted")
    values = {
        "as_of": write_instant(known.as_of),
        "batches": known.batch_ids,
        "label_batches": known.label_batch_ids,
        "rows": len(rows),
        "first": write_instant(_instant(times.min())),
        "last": write_instant(_instant(times.max())),
        "digest": rows_digest(rows, schema.key),
        "declaration_digest": declaration.digest,
        **({} if until is None else {"until": write_instant(until)}),
        **({} if training.sampled is None else {"sampled": training.sampled.model_dump(mode="json")}),
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
