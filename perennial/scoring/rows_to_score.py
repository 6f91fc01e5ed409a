"""Rows of a person's own file, ready to be scored: typed as the declaration reads batches, without target or label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.evaluation.figures import counted
from perennial.intake.missing import with_missing_features
from perennial.intake.typed import typed
from perennial.ledger.entries import Release
from perennial.model.artifact import Fitted
from perennial.model.released import Serving
from perennial.scoring.batch import predictions_of
from perennial.scoring.made_by import versions_in_words
from perennial.sources.parsing import Parsed
from perennial.sources.suffix import Suffix
from perennial.usecase.columns import column_types, read_options
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema
from perennial.usecase.mistakes import closest

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3


@dataclass(frozen=True)
class RowsToScore:
    """The declared columns that a file has, its rows in their order; warnings for a person."""

    frame: pd.DataFrame
    warnings: tuple[str, ...]


def rows_to_score(declaration: Declaration, data: bytes, suffix: Suffix, models: tuple[Fitted, ...]) -> RowsToScore:
    """The rows of a file, for models that will score them.

    The columns that features are read from must be there; key and time need not, unless a feature uses them.
    Raises UnreadableBatch for bytes of no table; InputError that names every missing column and unreadable value.
    """
    schema = declaration.schema_
    answers = {schema.target, schema.label_known_at}
    types = {name: kind for name, kind in column_types(declaration).items() if name not in answers}
    parsed = typed(declaration, data, suffix, types, read_options(declaration))
    parsed = with_missing_features(parsed, declaration)
    mistakes = [*_missing(parsed, declaration), *_unreadable(parsed)]
    if mistakes:
        raise InputError("the file cannot be scored\n  " + "\n  ".join(mistakes), code="file-not-scored", field="file")
    absent = [f"{name}: the column is not there, so it counts as missing in every row" for name in parsed.absent]
    return RowsToScore(parsed.frame, (*absent, *_unseen(parsed.frame, models)))


def _missing(parsed: Parsed, declaration: Declaration) -> Iterator[str]:
    needed = set(declaration.features.columns_read)
    for name in parsed.missing:
        if name in needed:
            near = closest(name, parsed.extra)
            yield f"{name}: there is no such column" + (f"; did you mean {near!r}?" if near else "; add it")


def _unreadable(parsed: Parsed) -> Iterator[str]:
    for name, texts in parsed.unreadable.items():
        there = texts.dropna()
        examples = ", ".join(f"{text!r} (row {row + 1})" for row, text in there.head(_NAMED).items())
        yield f"{name}: {counted(len(there), 'value', 'values')} cannot be read: {examples}; correct or empty them"


def _unseen(rows: pd.DataFrame, models: tuple[Fitted, ...]) -> Iterator[str]:
    """Categories that none of the models was trained on, and how many rows have them."""
    for name in sorted({name for model in models for name in model.seen if name in rows.columns}):
        known = {value for model in models for value in model.seen.get(name, ())}
        values = rows[name].dropna().astype(str)
        new = values[~values.isin(known)]
        if len(new):
            examples = ", ".join(repr(value) for value in new.unique()[:_NAMED])
            share = f"{len(new):,} of {len(rows):,} rows"
            yield f"{name}: {share} have values that the model was not trained on: {examples}"


def scored_rows(rows: pd.DataFrame, served: Serving, schema: Schema, release: Release) -> pd.DataFrame:
    """For each row its key, as far as the file has it, the prediction, and the release that made it.

    The prediction is `score`, or `score_CLASS` for each declared class.
    """
    import pandas as pd

    values = predictions_of(served, rows, schema)
    names = ["score"] if values.ndim == 1 else [f"score_{each}" for each in schema.classes]
    keys = rows[[name for name in schema.key if name in rows.columns]]
    made_by = {"release_no": release.release_no, "versions": versions_in_words(release.serves)}
    scores = pd.DataFrame(dict(zip(names, values.reshape(len(rows), -1).T, strict=True)), index=rows.index)
    taken = [name for name in (*names, *made_by) if name in keys.columns]
    if taken:
        keys = keys.rename(columns={name: f"key_{name}" for name in taken})
    return pd.concat([keys, scores], axis=1).assign(**made_by)
