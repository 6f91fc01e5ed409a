"""The declared groups of persons of some rows: from columns, bands of numbers, and custom functions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from perennial.errors import InputError
from perennial.evaluation.bias.report import Groups
from perennial.our_columns import is_ours
from perennial.team_code.loading import TeamCodeFailed, load_function, one_per_row
from perennial.team_code.metrics import groups_of
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.declared_bias import MOST_GROUPS, Protected

if TYPE_CHECKING:
    import pandas as pd

_LABELS = ("string", "integer", "boolean", "categorical")
"""Pandas' names for columns that can be labels of groups."""

TOO_MANY = "bias-many-groups"


def evaluation_sources(case: UseCase) -> dict[str, str]:
    """File name → source text of the custom metrics and groups, with which a decision is made."""
    return case.code.of(case.declaration.evaluation_functions)


def declared_groups(rows: pd.DataFrame, declaration: Declaration, sources: Mapping[str, str]) -> list[Groups]:
    """The groups of every protected column or function, then of every declared intersection.

    sources: file name → text of the custom functions. Raises InputError for too many groups, TeamCodeFailed.
    """
    stands = declaration.governance
    columns = {each.called: protected_groups(rows, declaration, each, sources) for each in stands.protected}
    return [*columns.values(), *(together([columns[name] for name in names]) for names in stands.intersections)]


def protected_groups(
    rows: pd.DataFrame, declaration: Declaration, each: Protected, sources: Mapping[str, str]
) -> Groups:
    """The groups of one protected column or function. Raises like `declared_groups`."""
    return Groups(
        each.called, *_coded(rows, declaration, each, sources), declaration.governance.population.get(each.called, {})
    )


def together(columns: list[Groups]) -> Groups:
    """The groups of several columns that have rows. Raises InputError for too many."""
    sizes = [max(1, len(each.values)) for each in columns]
    codes = np.stack([each.codes for each in columns])
    joint = np.where((codes >= 0).all(axis=0), np.ravel_multi_index(tuple(np.maximum(codes, 0)), sizes), -1)
    every = [", ".join(parts) for parts in product(*(each.values for each in columns))]
    there, places = np.unique(joint, return_inverse=True)
    known = there[there >= 0]
    by = " and ".join(each.by for each in columns)
    _refuse_many(by, known.size, "governance.intersections", "remove the intersection, or use fewer groups")
    return Groups(by, tuple(every[place] for place in known), (places - (there.size - known.size)).astype(np.int64))


Coded = tuple[tuple[str, ...], np.ndarray]


def _coded(rows: pd.DataFrame, declaration: Declaration, each: Protected, sources: Mapping[str, str]) -> Coded:
    if each.function:
        names, codes = groups_of(_labelled(rows, declaration, each, sources), each.called)
        _refuse_many(each.called, len(names), "governance.protected", "return fewer labels")
        return names, codes
    if each.column not in rows:  # no batch had the column yet
        return (), np.full(len(rows), -1, dtype=np.int64)
    if each.bands:
        values = rows[each.column].to_numpy(dtype=np.float64, na_value=np.nan)
        places = np.searchsorted(np.array(each.bands, dtype=np.float64), values, side="right")
        return each.band_names, np.where(np.isnan(values), -1, places).astype(np.int64)
    names, codes = groups_of(rows, each.column)
    fix = "group its values into bands, or map them to fewer at the source"
    _refuse_many(each.called, len(names), "governance.protected", fix)
    return names, codes


def _labelled(
    rows: pd.DataFrame, declaration: Declaration, each: Protected, sources: Mapping[str, str]
) -> pd.DataFrame:
    """What the function returns for the rows, as a column with the name of the groups."""
    from pandas.api.types import infer_dtype

    what = f"groups {each.called!r} on {len(rows):,} rows"
    function = load_function(each.function, sources, "governance.protected")
    labels = one_per_row(what, function, _visible(rows, declaration))
    if labels.notna().any() and (kind := infer_dtype(labels)) not in _LABELS:
        raise TeamCodeFailed(
            f"{what} returned {kind} values, for example {labels.dropna().tolist()[0]!r}; a group must be text, a "
            "whole number or a boolean, and a missing value where it is unknown"
        )
    return labels.to_frame(each.called)


def _visible(rows: pd.DataFrame, declaration: Declaration) -> pd.DataFrame:
    """The declared columns without label and weight. One that no batch had yet is there, with missing values."""
    hidden, types = declaration.schema_.hidden, column_types(declaration)
    kept = rows.drop(columns=[name for name in rows.columns if name in hidden or is_ours(name)])
    return kept.reindex(columns=[*kept.columns, *(name for name in types if name not in {*kept.columns, *hidden})])


def _refuse_many(name: str, number: int, field: str, fix: str) -> None:
    if number > MOST_GROUPS:
        raise InputError(
            f"'{name}' has {number:,} groups; at most {MOST_GROUPS} can be compared, and their names are kept in the "
            "ledger",
            code=TOO_MANY,
            field=field,
            value=name,
            fix=fix,
        )
