"""The report about all groups of the evaluation rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perennial.evaluation.arrays import IntArray
from perennial.evaluation.bias.impact import with_impact
from perennial.evaluation.bias.limits import Limits
from perennial.evaluation.bias.measures import Measures, Rows, representation
from perennial.evaluation.bias.outcomes import tenths
from perennial.evaluation.bias.part import Part
from perennial.evaluation.bias.results import SELECTION_RATE, Bias, ColumnBias, GroupBias
from perennial.evaluation.bias.verdicts import judge_bias, judged_columns
from perennial.evaluation.paired import Clusters

FEWEST = 10
"""Under this number of rows only the number itself is kept: a mean of so few would almost be a person's own value."""


@dataclass(frozen=True)
class Groups:
    """The groups of a column, or of several together.

    codes: shape (n,), 0..K−1, −1 for a row whose group is unknown. values: the K groups, as text. population: the
    declared share of groups, by their text.
    """

    by: str
    values: tuple[str, ...]
    codes: IntArray
    population: Mapping[str, float] = field(default_factory=dict)


def bias_of(
    rows: Rows,
    live: Rows | None,
    groups: Sequence[Groups],
    *,
    selected: str,
    ratio: float,
    gate: bool,
    gated: tuple[str, ...] = (SELECTION_RATE,),
    training: tuple[ColumnBias, ...] | None = None,
) -> Bias:
    """rows: of the models that a release would make live; live: of those that are, None if none is.

    selected: which predictions count, in words. ratio: which ratio of a rate must not be proven lower. gate: whether
    that holds a release. gated: for which measures. training: from `represented`.
    """
    limits = Limits(ratio, gated)
    columns = tuple(with_impact(_column(rows, live, each, limits)) for each in groups)
    others = None if gated == (SELECTION_RATE,) else gated
    return judge_bias(Bias(selected=selected, ratio=ratio, gate=gate, columns=columns, gated=others, training=training))


def represented(groups: Sequence[Groups], clusters: Clusters) -> tuple[ColumnBias, ...]:
    """The share of some rows that each group of a declared population has, with its verdict. A group may have none."""
    return judged_columns([_shares(each, clusters) for each in groups if each.population], (), 0.0)


def _shares(groups: Groups, clusters: Clusters) -> ColumnBias:
    known = Part(np.flatnonzero(groups.codes >= 0), clusters)
    places = {value: np.flatnonzero(groups.codes == code) for code, value in enumerate(groups.values)}
    made = []
    for value, declared in groups.population.items():
        mine = Part(places.get(value, np.empty(0, dtype=np.int64)), clusters)
        made.append(
            GroupBias(
                value=value,
                rows=mine.size,
                clusters=mine.number_of_clusters,
                share=mine.size / known.size if known.size else 0.0,
                measures=(representation(mine, known, declared),) if known.size else (),
            )
        )
    return ColumnBias(by=groups.by, unknown_rows=groups.codes.size - known.size, groups=tuple(made))


def _column(rows: Rows, live: Rows | None, groups: Groups, limits: Limits) -> ColumnBias:
    known = Part(np.flatnonzero(groups.codes >= 0), rows.clusters)
    there = np.unique(groups.codes[known.places]).tolist()
    scores = tenths(rows.outcomes.score, groups.codes, there)
    measures = Measures(rows, known, limits)
    of_live = None if live is None else Measures(live, known, limits)
    return ColumnBias(
        by=groups.by,
        unknown_rows=groups.codes.size - known.size,
        groups=tuple(
            _group(measures, of_live, groups, code, in_tenths) for code, in_tenths in zip(there, scores, strict=True)
        ),
    )


def _group(
    measures: Measures, live: Measures | None, groups: Groups, code: int, in_tenths: tuple[int, ...]
) -> GroupBias:
    known = measures.known
    is_mine = groups.codes[known.places] == code
    mine, others = (Part(known.places[each], known.clusters) for each in (is_mine, ~is_mine))
    value = groups.values[code]
    plain = GroupBias(value=value, rows=mine.size, clusters=mine.number_of_clusters, share=mine.size / known.size)
    if mine.size < FEWEST:
        return plain.model_copy(update={"note": f"fewer than {FEWEST} rows, of which nothing else is kept"})
    declared = groups.population.get(value)
    present = () if declared is None else (representation(mine, known, declared),)
    return plain.model_copy(
        update={
            "measures": (*measures.of(mine, others, live), *present),
            "scores": in_tenths,
            "live_ratio": live.change_of(SELECTION_RATE, mine, others) if live is not None else None,
        }
    )
