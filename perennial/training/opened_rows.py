"""The rows that a model is trained on: in memory, or on disk until the training has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from perennial.ledger.entries import SampledFrom
from perennial.store.known import Known
from perennial.store.rows import read_parts
from perennial.store.stored_rows import StoredRows, stored_rows
from perennial.store.stream import Stream
from perennial.store.tables import Tables
from perennial.training.not_in_parts import refuse_whole_window
from perennial.training.rows import past_of, refuse_no_batch, refuse_too_few, training_rows, within_window
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class OpenedRows:
    """As `TrainingRows`, wherever the rows are."""

    rows: pd.DataFrame | StoredRows
    sampled: SampledFrom | None


@contextmanager
def opened_rows(
    tables: Tables, declaration: Declaration, known: Known, until: datetime | None = None
) -> Iterator[OpenedRows]:
    """As `training_rows`; with `model.parts`, the same rows on disk.

    Raises NotTrainableYet, OutOfMemory, DiskFull, InputError for a window that looks at all rows at once.
    """
    if declaration.model.parts is None:
        training = training_rows(tables, declaration, known, until)
        yield OpenedRows(training.rows, training.sampled)
        return
    refuse_whole_window(declaration.model)
    assert tables.bounds is not None, "no folder is given for rows on disk"
    refuse_no_batch(tables, declaration, known)
    schema = declaration.schema_
    selection = within_window(declaration, past_of(tables, declaration, known, until), until)
    # The join with late labels and the sort go on at the same time.
    half = replace(tables.bounds, memory=tables.bounds.memory // 2)
    shared = replace(tables, bounds=half)
    parts = read_parts(shared, declaration.name, schema, known, labelled=True, selection=selection)
    with stored_rows(half, Stream(next(parts).schema, parts), schema.key) as rows:
        refuse_too_few(tables, declaration, known, rows)
        yield OpenedRows(rows, None)
