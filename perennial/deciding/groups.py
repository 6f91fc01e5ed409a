"""The declared groups of persons on the evaluation rows, and how a decision treats them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from perennial.errors import InputError
from perennial.evaluation.bias.gate import bias_reason
from perennial.evaluation.bias.measures import Rows
from perennial.evaluation.bias.outcomes import Selection, outcomes
from perennial.evaluation.bias.report import Groups, bias_of
from perennial.evaluation.bias.results import Bias
from perennial.ledger.entries import Decision
from perennial.team_code.metrics import groups_of
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_bias import Protected, Selected

if TYPE_CHECKING:
    import pandas as pd

    from perennial.deciding.scored_models import Scored

MOST_GROUPS = 50
"""Of one column, or of several together. Their names stay in the ledger, so they must not single out persons."""


def bias_in(scored: Scored) -> Bias | None:
    """How the models that a release would make live treat the declared groups; None if none are declared.

    Raises InputError for a column with too many groups.
    """
    stands = scored.declaration.governance
    if not stands.protected or stands.selected is None:
        return None
    selection = selection_of(stands.selected, scored.declaration)

    def rows(predictions: np.ndarray) -> Rows:
        binary = scored.declaration.schema_.task == "binary"
        meant = outcomes(selection, scored.labels, predictions, binary=binary)
        return Rows(meant, scored.labels, predictions, scored.clusters, scored.primary)

    return bias_of(
        rows(scored.paired.challenger),
        None if scored.contest.champion is None else rows(scored.paired.champion),
        declared_groups(scored.judging.rows, scored.declaration),
        selected=stands.selected.in_words,
        ratio=stands.bias.ratio,
        gate=stands.bias.gate,
    )


def with_bias(decision: Decision, bias: Bias | None) -> Decision:
    """The decision with the report about the groups. A release that the gate holds waits for a person."""
    if bias is None:
        return decision
    holds, sentence = bias_reason(bias)
    releases = decision.outcome in ("first", "release")
    return decision.model_copy(
        update={
            "bias": bias,
            "reasons": (*decision.reasons, sentence),
            "outcome": "held" if holds and releases else decision.outcome,
        }
    )


def selection_of(selected: Selected, declaration: Declaration) -> Selection:
    """Which predictions select, with classes as positions."""
    classes = declaration.schema_.classes
    return Selection(
        selected.above,
        selected.below,
        selected.top,
        selected.bottom,
        tuple(place for place, each in enumerate(classes) if each in selected.classes),
    )


def declared_groups(rows: pd.DataFrame, declaration: Declaration) -> list[Groups]:
    """The groups of every protected column, then of every declared intersection. Raises InputError for too many."""
    stands = declaration.governance
    columns = {each.called: _coded(rows, each) for each in stands.protected}
    single = [Groups(name, *coded, stands.population.get(name, {})) for name, coded in columns.items()]
    together = [_together({name: columns[name] for name in names}) for names in stands.intersections]
    return [*single, *together]


Coded = tuple[tuple[str, ...], np.ndarray]


def _coded(rows: pd.DataFrame, each: Protected) -> Coded:
    if each.column not in rows:  # no batch had the column yet
        return (), np.full(len(rows), -1, dtype=np.int64)
    if each.bands:
        values = rows[each.column].to_numpy(dtype=np.float64, na_value=np.nan)
        places = np.searchsorted(np.array(each.bands, dtype=np.float64), values, side="right")
        return each.band_names, np.where(np.isnan(values), -1, places).astype(np.int64)
    names, codes = groups_of(rows, each.column)
    _refuse_many(each.called, len(names), "group its values into bands, or map them to fewer at the source")
    return names, codes


def _together(columns: dict[str, Coded]) -> Groups:
    sizes = [max(1, len(names)) for names, _ in columns.values()]
    codes = np.stack([codes for _, codes in columns.values()])
    joint = np.where((codes >= 0).all(axis=0), np.ravel_multi_index(tuple(np.maximum(codes, 0)), sizes), -1)
    every = [", ".join(parts) for parts in product(*(names for names, _ in columns.values()))]
    there, places = np.unique(joint, return_inverse=True)
    known = there[there >= 0]
    by = " and ".join(columns)
    _refuse_many(by, known.size, "remove the intersection, or use fewer groups")
    return Groups(by, tuple(every[place] for place in known), (places - (there.size - known.size)).astype(np.int64))


def _refuse_many(name: str, number: int, fix: str) -> None:
    if number > MOST_GROUPS:
        raise InputError(
            f"'{name}' has {number:,} groups; at most {MOST_GROUPS} can be compared, and their names are kept in the "
            "ledger",
            code="bias-many-groups",
            field="governance.protected",
            value=name,
            fix=fix,
        )
