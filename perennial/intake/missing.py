"""Columns that a batch lacks or has anew, and features that are missing more often than usual."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from perennial.sources.batch_rows import BatchRows
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration
from perennial.usecase.mistakes import looks_like

Rows = TypeVar("Rows", bound=BatchRows)
MORE_MISSING = 0.05
"""A feature may be missing in so large a share of rows above the usual one before a warning."""
TIMES_THE_ODDS = 3
"""How many times the usual odds of a missing value may be reached before a warning."""
BATCHES_COMPARED = 3
MOSTLY = 50.0
"""A feature that is missing in more percent of the rows, and usually in fewer, is as good as gone."""
_ABSENT = re.compile(r"(.+): the column is not there, so it counts as missing in every row")
_OFTEN = re.compile(r"(.+): missing in ([\d.e+-]+) % of the rows, usually in ([\d.e+-]+) %")
"""As `column_warnings` and `missing_warnings` write them; entries have kept their words since they were added."""
_DTYPES = {
    "number": "float64",
    "text": "str",
    "timestamp": "datetime64[us, UTC]",
    "integer": "Int64",
    "boolean": "boolean",
}


def with_missing_features(batch: Rows, declaration: Declaration) -> Rows:
    """A batch with an empty column for each feature that it lacks and that the declaration goes on without.

    A batch without any declared feature stays as it is: it has nothing to learn from or to predict with.
    """
    features = declaration.features
    there = [name for name in features.columns if name in batch.names]
    needed = _needed(declaration)
    absent = tuple(name for name in batch.missing if features.goes_on_without(name) and name not in needed)
    if not absent or not there:
        return batch
    types = column_types(declaration)
    ordered = [name for name in types if name in (*batch.names, *absent)]
    return batch.with_empty({name: _DTYPES[types[name]] for name in absent}, ordered, absent)


def _needed(declaration: Declaration) -> set[str]:
    """Columns without which a batch has no rows, whatever else they are."""
    schema = declaration.schema_
    return {*schema.key, schema.time, schema.target, *filter(None, [schema.label_known_at, schema.weight])}


def column_warnings(batch: BatchRows, known: Collection[str] | None) -> list[str]:
    """Warnings about features that are read as missing, and about columns that no earlier batch had.

    known: the undeclared columns of earlier batches; None where there was none.
    """
    warnings = []
    for name in batch.absent:
        near = looks_like(name, batch.extra)
        hint = f"; there is {near!r}" if near else ""
        warnings.append(
            f"{name}: the column is not there, so it counts as missing in every row "
            f"(features.missing_column: go_on){hint}"
        )
    if known is not None:
        fresh = [name for name in batch.extra if name not in known]
        warnings += [f"{name}: a new column, which nothing uses until the declaration names it" for name in fresh]
    return warnings


def often_missing(batch: BatchRows, declaration: Declaration) -> dict[str, float]:
    """Declared features that are missing in more than `MORE_MISSING` of the rows, with that share."""
    names = [name for name in declaration.features.columns_read if name in batch.names]
    shares = {name: batch.nulls(name) / len(batch) for name in names} if len(batch) else {}
    return {name: share for name, share in shares.items() if share > MORE_MISSING and name not in batch.absent}


def missing_warnings(shares: Mapping[str, float], usual: Mapping[str, float]) -> list[str]:
    """Warnings about features that are missing in more rows than usual. shares: of this batch, as `often_missing`."""
    return [
        f"{name}: missing in {100 * share:.3g} % of the rows, usually in {100 * usual[name]:.3g} %"
        for name, share in shares.items()
        if name in usual and _far_above(share, usual[name])
    ]


def features_gone(warnings: Sequence[str]) -> list[str]:
    """The features that accepted rows no longer have, by a batch's recorded warnings: absent, or missing in most rows.

    >>> features_gone(["price: missing in 97 % of the rows, usually in 2 %", "age: missing in 9 % of the rows, "
    ...     "usually in 1 %", "fee: a new column, which nothing uses until the declaration names it"])
    ['price']
    """
    absent = [match[1] for match in map(_ABSENT.match, warnings) if match]
    often = [match for match in map(_OFTEN.fullmatch, warnings) if match]
    return absent + [match[1] for match in often if float(match[2]) > MOSTLY > float(match[3])]


def _far_above(share: float, usual: float) -> bool:
    """Whether the odds have tripled too: from 64 to 80 % is an ordinary month, from 5 to 15 % is not."""
    return share > usual + MORE_MISSING and share * (1 - usual) > TIMES_THE_ODDS * usual * (1 - share)


def how_to_go_on(missing: Sequence[str], there: Collection[str], declaration: Declaration) -> str:
    """What to write so that a batch is taken in without its missing features.

    Empty where one is needed anyway, no other feature is there, or one of them likely has another name.
    """
    features = set(declaration.features.columns_read) - _needed(declaration)
    renamed = any(looks_like(name, there) for name in missing)
    if not missing or renamed or not set(missing) <= features or not set(declaration.features.columns) & set(there):
        return ""
    listed = ", ".join(f"{name}: go_on" for name in missing)
    return f". To go on without, write `missing_column: {{{listed}}}` under features, then check the batch again"
