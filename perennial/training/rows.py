"""The rows that a model is trained on: those of its window that have a label, or the declared sample of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from perennial.ledger.entries import SampledFrom
from perennial.our_columns import BATCH, LABEL
from perennial.store.known import Known
from perennial.store.rows import Selection, next_label, read_parts, read_rows
from perennial.store.tables import Tables
from perennial.training.readiness import NotTrainableYet, no_label_yet, refuse_too_little
from perennial.training.sample import are_chosen, priorities, smallest
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema
from perennial.usecase.windows import earliest, is_by_row, read_window, window_in_words
from perennial.usecase.windows.window import Past, Window

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from perennial.store.stored_rows import StoredRows


@dataclass(frozen=True)
class TrainingRows:
    """The rows of a training, in key order, and how they were sampled; None without a declared sample."""

    rows: pd.DataFrame
    sampled: SampledFrom | None


def training_rows(
    tables: Tables, declaration: Declaration, known: Known, until: datetime | None = None
) -> TrainingRows:
    """As `rows_inside`. Raises NotTrainableYet if there are too few, or only one class."""
    refuse_no_batch(tables, declaration, known)
    training = rows_inside(tables, declaration, known, until)
    refuse_too_few(tables, declaration, known, training.rows)
    return training


def refuse_no_batch(tables: Tables, declaration: Declaration, known: Known) -> None:
    """Raises NotTrainableYet if no batch has arrived."""
    if not known.batches:
        raise NotTrainableYet(_no_label_yet(tables, declaration, known))


def refuse_too_few(tables: Tables, declaration: Declaration, known: Known, rows: pd.DataFrame | StoredRows) -> None:
    """Raises NotTrainableYet if there are too few rows of a training, or only one class."""
    if not len(rows) and not _has_label(tables, declaration, known):
        raise NotTrainableYet(_no_label_yet(tables, declaration, known))
    if not len(rows):
        raise NotTrainableYet(f"no row of the window ({window_in_words(declaration.model.window)}) has a label yet")
    refuse_too_little(rows[LABEL], declaration.schema_)


def _no_label_yet(tables: Tables, declaration: Declaration, known: Known) -> str:
    schema, arrived = declaration.schema_, sum(batch.rows.accepted for batch in known.batches)
    return no_label_yet(arrived, next_label(tables, declaration.name, schema, known), schema)


def rows_inside(tables: Tables, declaration: Declaration, known: Known, until: datetime | None = None) -> TrainingRows:
    """Labelled rows inside the single declared window, or the sample of them, with labels as known at `known.as_of`.

    Only these are in memory, unless a window of a package looks at all rows at once. known: with at least one batch.
    until: only rows of events before it, and the window as it was then.
    """
    schema, model = declaration.schema_, declaration.model
    window, past = read_window(model.window), past_of(tables, declaration, known, until)
    within = within_window(declaration, past, until)
    read = partial(read_rows, tables, declaration.name, schema, known, labelled=True)
    if not is_by_row(window):
        rows = read(selection=within)
        rows = inside(model.window, rows, rows[schema.time], past)
        sampled = _sampled(declaration, [_places(rows, schema)]) if model.sample else None
    elif model.sample:
        sampled = _sampled(
            declaration,
            read_parts(tables, declaration.name, schema, known, labelled=True, selection=within, columns=[schema.time]),
        )
        rows = read(selection=_and_sampled(within, declaration, sampled))
    else:
        rows, sampled = read(selection=within), None
    return TrainingRows(sampled_rows(rows, declaration, sampled).reset_index(drop=True), sampled)


def past_of(tables: Tables, declaration: Declaration, known: Known, until: datetime | None) -> Known:
    """What was known for the declared window: with `until`, as it was then."""
    expanding = read_window(declaration.model.window) is None
    return known if until is None or expanding else _known_before(tables, declaration, known, until)


def within_window(declaration: Declaration, past: Known, until: datetime | None) -> Selection | None:
    """The rows of the declared window before `until`, as far as each can be chosen by itself; None for all."""
    window = read_window(declaration.model.window)
    return _within(declaration.schema_, window if is_by_row(window) else None, past, until)


def inside(window: Any, rows: pd.DataFrame, at: pd.Series, known: Known) -> pd.DataFrame:
    """The rows inside a single window. A decay keeps them all and weighs them in the fit."""
    read = read_window(window)
    kept = read.keeps(Past(at, rows[BATCH], known.batch_ids, known.as_of)) if read else None
    return rows if kept is None else rows[kept]


def age_weights(window: Any, at: pd.Series) -> np.ndarray | None:
    """Each row's weight in a fit, shape (n,); None if all weigh the same."""
    read = read_window(window)
    return read.weights(at) if read else None


def sampled_rows(rows: pd.DataFrame, declaration: Declaration, sampled: SampledFrom | None) -> pd.DataFrame:
    """The rows that are in the sample. rows: of the window, in key order."""
    sample = declaration.model.sample
    if sample is None or sampled is None or sampled.bound is None:
        return rows
    of_rows = priorities(_places(rows, declaration.schema_), declaration.schema_, declaration.model)
    return rows[are_chosen(of_rows, sampled.bound, sample)]


def _sampled(declaration: Declaration, parts: Iterable[pa.Table]) -> SampledFrom:
    """How the sample of these rows is taken. parts: with key and time."""
    schema, model = declaration.schema_, declaration.model
    assert model.sample is not None, "no sample is declared"
    of, bound = smallest((priorities(part, schema, model) for part in parts), model.sample)
    written = model.sample.model_dump(mode="json", exclude={"rows"})
    return SampledFrom(of=of, seed=model.seed, bound=bound, **written)


def _places(rows: pd.DataFrame, schema: Schema) -> pa.Table:
    """Key and time of rows."""
    import pyarrow as pa

    return pa.Table.from_pandas(rows[list(dict.fromkeys([*schema.key, schema.time]))], preserve_index=False)


def _and_sampled(within: Selection | None, declaration: Declaration, sampled: SampledFrom) -> Selection | None:
    """The rows of a selection that the sample may hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bound = sampled.bound
    if bound is None:
        return within

    def keeps(part: pa.Table) -> pa.Array:
        few = pa.array(priorities(part, declaration.schema_, declaration.model) <= bound)
        return few if within is None else pc.and_(few, within.keeps(part))

    return Selection(keeps) if within is None else replace(within, keeps=keeps)


def _within(schema: Schema, window: Window | None, past: Known, until: datetime | None) -> Selection | None:
    """The rows before `until`, and in a window that keeps each row by itself; None for all."""
    import pyarrow as pa

    if window is None and until is None:
        return None

    def keeps(part: pa.Table) -> pa.Array:
        at, batch = part[schema.time].to_pandas(), part[BATCH].to_pandas()
        kept = window.keeps(Past(at, batch, past.batch_ids, past.as_of)) if window else None
        early = at.notna() if until is None else at < until
        return pa.array(early if kept is None else early & kept)

    return Selection(keeps, earliest(window, past.as_of), until)


def _known_before(tables: Tables, declaration: Declaration, known: Known, until: datetime) -> Known:
    """What was known of the events before `until`, as if it were that time: the batches with a labelled row of them."""
    schema, before = declaration.schema_, set[str]()
    within = _within(schema, None, known, until)
    for part in read_parts(
        tables, declaration.name, schema, known, labelled=True, selection=within, columns=[schema.time]
    ):
        before.update(part[BATCH].unique().to_pylist())
    return replace(known, as_of=until, batches=tuple(b for b in known.batches if b.batch in before))


def _has_label(tables: Tables, declaration: Declaration, known: Known) -> bool:
    parts = read_parts(tables, declaration.name, declaration.schema_, known, labelled=True, columns=[])
    return any(part.num_rows for part in parts)
