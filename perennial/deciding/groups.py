"""How a decision treats the declared groups of persons, on its evaluation rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from perennial.deciding.labelled_rows import clusters_of, labelled
from perennial.evaluation.bias.gate import bias_reason
from perennial.evaluation.bias.measures import Rows
from perennial.evaluation.bias.outcomes import Selection, outcomes
from perennial.evaluation.bias.report import bias_of, represented
from perennial.evaluation.bias.results import Bias, ColumnBias
from perennial.ledger.entries import Decision
from perennial.our_columns import LABEL
from perennial.store.stored_rows import StoredRows
from perennial.team_code.groups import declared_groups
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_bias import Selected

if TYPE_CHECKING:
    import pandas as pd

    from perennial.deciding.scored_models import Scored


def bias_in(scored: Scored) -> Bias | None:
    """How the models that a release would make live treat the declared groups; None if none are declared.

    Raises InputError for too many groups, TeamCodeFailed.
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
        declared_groups(_of_groups(scored.judging.rows, scored.declaration), scored.declaration, scored.sources),
        selected=stands.selected.in_words,
        ratio=stands.bias.ratio,
        gate=bool(stands.bias.gate),
        gated=stands.bias.gated,
        training=scored.contest.challenger_entry.represented,
    )


def represented_in(
    rows: pd.DataFrame | StoredRows, declaration: Declaration, sources: Mapping[str, str]
) -> tuple[ColumnBias, ...] | None:
    """How training rows represent the declared population; None if none is declared.

    sources: file name → text of the custom groups. Raises InputError for too many groups, TeamCodeFailed.
    """
    if not declaration.governance.population:
        return None
    of = labelled(declaration, _of_groups(rows, declaration))
    return represented(declared_groups(of.rows, declaration, sources), clusters_of(declaration, of))


def _of_groups(rows: pd.DataFrame | StoredRows, declaration: Declaration) -> pd.DataFrame:
    """The columns that groups and clusters are made of; all, if the rows are in memory or a function makes a group."""
    if not isinstance(rows, StoredRows):
        return rows
    schema, evaluation, protected = declaration.schema_, declaration.evaluation, declaration.governance.protected
    if any(each.function for each in protected):
        return rows[rows.columns]
    named = {LABEL, schema.time, schema.weight, evaluation.cluster_name, evaluation.second_cluster}
    named |= {each.column for each in protected}
    return rows[[name for name in rows.columns if name in named]]


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
