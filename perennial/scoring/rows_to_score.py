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
from perennial.scoring.made_by import versions_in_short
from perennial.sources.other_reading import other_reading
from perennial.sources.parsing import Parsed
from perennial.sources.suffix import Suffix
from perennial.sources.written import written
from perennial.usecase.columns import column_types, read_options
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import Schema
from perennial.usecase.mistakes import closest

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.column_type import ColumnType

_NAMED = 3


@dataclass(frozen=True)
class RowsToScore:
    """The declared columns that a file has, its rows in their order; warnings for a person.

    keys: the columns of the key that are there, from which a person finds the rows again: times as they are written.
    """

    frame: pd.DataFrame
    keys: pd.DataFrame
    warnings: tuple[str, ...]


def rows_to_score(declaration: Declaration, data: bytes, suffix: Suffix, models: tuple[Fitted, ...]) -> RowsToScore:
    """The rows of a file, for models that will score them.

    The columns that features are read from must be there; key and time need not, unless a feature uses them.
    Raises UnreadableBatch for bytes of no table; InputError that names every missing column and unreadable value, or
    for a file without rows.
    """
    schema = declaration.schema_
    types = {name: kind for name, kind in column_types(declaration).items() if name not in schema.hidden}
    parsed = typed(declaration, data, suffix, types, read_options(declaration))
    parsed = with_missing_features(parsed, declaration)
    mistakes = [*_missing(parsed, declaration), *_unreadable(parsed, declaration)]
    if mistakes:
        raise InputError("the file cannot be scored\n  " + "\n  ".join(mistakes), code="file-not-scored", field="file")
    if not len(parsed.frame):
        raise InputError("the file has no rows to score", code="file-not-scored", field="file")
    absent = [f"{name}: the column is not there, so it counts as missing in every row" for name in parsed.absent]
    return RowsToScore(
        parsed.frame, _keys(parsed, declaration, data, suffix), (*absent, *_unseen(parsed.frame, models))
    )


def _keys(parsed: Parsed, declaration: Declaration, data: bytes, suffix: Suffix) -> pd.DataFrame:
    """Times as a CSV file or sheet has them: an instant in UTC would look like another hour to whoever joins them."""
    keys = parsed.frame[[name for name in declaration.schema_.key if name in parsed.frame.columns]]
    types = column_types(declaration)
    times: dict[str, ColumnType] = {name: "text" for name in keys.columns if types[name] == "timestamp"}
    if not times or suffix == ".parquet":
        return keys
    return keys.assign(**typed(declaration, data, suffix, times, read_options(declaration)).frame)


def _missing(parsed: Parsed, declaration: Declaration) -> Iterator[str]:
    needed = set(declaration.features.columns_read)
    for name in parsed.missing:
        if name in needed:
            near = closest(name, parsed.extra)
            yield f"{name}: there is no such column" + (f"; did you mean {near!r}?" if near else "; add it")


def _unreadable(parsed: Parsed, declaration: Declaration) -> Iterator[str]:
    for name, texts in parsed.unreadable.items():
        there = texts.dropna()
        examples = ", ".join(f"{text!r} (row {row + 1})" for row, text in there.head(_NAMED).items())
        values, hint = counted(len(there), "value", "values"), _otherwise(there.iloc[0], name, declaration)
        yield f"{name}: {values} cannot be read: {examples}; correct or empty them{hint}"


def _otherwise(text: str, name: str, declaration: Declaration) -> str:
    """That a file is written in another way than batches are, where its numbers show it."""
    if column_types(declaration)[name] not in ("number", "integer"):
        return ""
    how = written(name, read_options(declaration), declaration.schema_.decimal)
    field = other_reading(text, how)
    return f". With {field} it could be read: is the file written as the batches are?" if field else ""


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


def scored_rows(rows: RowsToScore, served: Serving, schema: Schema, release: Release) -> pd.DataFrame:
    """For each row its key, as far as the file has it, the prediction, and the release that made it.

    The prediction is `score`, or `score_CLASS` for each declared class.
    """
    import pandas as pd

    values = predictions_of(served, rows.frame, schema)
    names = ["score"] if values.ndim == 1 else [f"score_{each}" for each in schema.classes]
    keys = rows.keys
    made_by = {"release_no": release.release_no, "versions": versions_in_short(release.serves)}
    scores = pd.DataFrame(dict(zip(names, values.reshape(len(keys), -1).T, strict=True)), index=keys.index)
    taken = [name for name in (*names, *made_by) if name in keys.columns]
    if taken:
        keys = keys.rename(columns={name: f"key_{name}" for name in taken})
    return pd.concat([keys, scores], axis=1).assign(**made_by)


def scores_in_words(schema: Schema) -> str:
    """What the columns with the predictions of `scored_rows` hold."""
    if schema.task == "regression":
        return f"score is the predicted {schema.target}"
    if schema.task == "binary":
        return f"score is the probability that {schema.target} is {schema.truths[0] if schema.truths else 1}"
    return f"score_CLASS is the probability that {schema.target} is CLASS"
