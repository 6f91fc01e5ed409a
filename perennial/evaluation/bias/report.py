"""The report about all groups of the evaluation rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perennial.evaluation.arrays import IntArray
from perennial.evaluation.bias.impact import with_impact
from perennial.evaluation.bias.measures import Rows, clusters_in, measures_of, ratio_of, representation
from perennial.evaluation.bias.outcomes import tenths
from perennial.evaluation.bias.results import Bias, ColumnBias, GroupBias
from perennial.evaluation.bias.verdicts import judge_bias

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
    rows: Rows, live: Rows | None, groups: Sequence[Groups], *, selected: str, ratio: float, gate: bool
) -> Bias:
    """rows: of the models that a release would make live; live: of those that are, None if none is.

    selected: which predictions count, in words. ratio: which selection rate ratio must not be proven lower. gate:
    whether that holds a release.
    """
    columns = tuple(with_impact(_column(rows, live, each, ratio)) for each in groups)
    return judge_bias(Bias(selected=selected, ratio=ratio, gate=gate, columns=columns))


def _column(rows: Rows, live: Rows | None, groups: Groups, ratio: float) -> ColumnBias:
    known = (groups.codes >= 0).astype(np.float64)
    there = np.unique(groups.codes[groups.codes >= 0]).tolist()
    scores = tenths(rows.outcomes.score, groups.codes, there)
    return ColumnBias(
        by=groups.by,
        unknown_rows=int((groups.codes < 0).sum()),
        groups=tuple(
            _group(rows, live, groups, code, known, in_tenths, ratio)
            for code, in_tenths in zip(there, scores, strict=True)
        ),
    )


def _group(
    rows: Rows,
    live: Rows | None,
    groups: Groups,
    code: int,
    known: np.ndarray,
    in_tenths: tuple[int, ...],
    ratio: float,
) -> GroupBias:
    mine = (groups.codes == code).astype(np.float64)
    others, count, value = known - mine, int(mine.sum()), groups.values[code]
    plain = GroupBias(
        value=value, rows=count, clusters=clusters_in(rows.clusters, mine), share=count / float(known.sum())
    )
    if count < FEWEST:
        return plain.model_copy(update={"note": f"fewer than {FEWEST} rows, of which nothing else is kept"})
    declared = groups.population.get(value)
    present = () if declared is None else (representation(rows.clusters, mine, known, declared),)
    return plain.model_copy(
        update={
            "measures": (*measures_of(rows, mine, others, ratio), *present),
            "scores": in_tenths,
            "live_ratio": ratio_of(live, mine, others) if live is not None else None,
        }
    )
