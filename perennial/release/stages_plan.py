"""What the declared stages will be able to see, before they start: from earlier decisions and newest labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from perennial.deciding.plan import value_of_champion
from perennial.deciding.ruling import clusters_before
from perennial.errors import InputError
from perennial.evaluation.planning import Spread, spread_of
from perennial.evaluation.staged.plan import KeyValues, days_for_loss, days_for_value, key_values
from perennial.evaluation.staged.planned import StageOutlook, planned_stage
from perennial.ledger.entries import BatchScored, Decision
from perennial.ledger.ledger import Ledger
from perennial.our_columns import LABEL, SCORE
from perennial.release.stage_evidence import declared_value
from perennial.store.known import known_at
from perennial.store.rows import labels_of, read_rows
from perennial.store.tables import Tables
from perennial.team_code.metrics import declared_metric
from perennial.usecase.declaration import Declaration

BATCHES = 3
"""Values are measured on so many of the newest scored batches."""
SHARES = (0.01, 0.05, 0.1)
"""Losses to plan for, as shares of what the champion has."""


@dataclass(frozen=True)
class PlannedLoss:
    """A loss, in the unit of what is compared and as a share of the champion's, and the days of a stage that find it.

    days: 15 or full weeks more, in 4 of 5 cases; None beyond half a year. keys: how many those days bring; None where
    keys are not counted.
    """

    loss: float
    share: float
    days: int | None
    keys: int | None


@dataclass(frozen=True)
class StagesPlan:
    """For all stages. of: the metric or the value that is compared. champion: its value, None where it is unknown.

    decisions, keys: what the history stands on; the one that does not apply is None. losses: for the last stage.
    """

    usecase: str
    feedback: str
    of: str
    champion: float | None
    decisions: int | None
    keys: int | None
    keys_a_day: float | None
    stages: tuple[StageOutlook, ...]
    losses: tuple[PlannedLoss, ...]


def plan_stages(
    ledger: Ledger, tables: Tables, declaration: Declaration, sources: dict[str, str], now: datetime
) -> StagesPlan:
    """Plan the stages that the declaration names. Raises InputError if it names none."""
    stages = [each for each in declaration.release.stages if each.kind != "full"]
    if not stages:
        raise InputError(
            f"{declaration.name}: release.stages: no stage is declared",
            code="stage-none",
            fix="write release: {stages: [{shadow: 7d}, {canary: 10%, for: 7d}, full]}",
        )
    feedback = declaration.release.feedback
    history = [row.payload for row in ledger.all(declaration.name, Decision)]
    code, metric = declaration.metric_code(declaration.primary), declaration.primary
    of, champion, spread, values = metric, None, None, None
    if feedback == "none":
        spread = spread_of(clusters_before(history, metric, code, declaration.evaluation.cluster_name))
        champion = value_of_champion(history, metric, code)
    else:
        of = declared_value(declaration) or metric
        champion, values = _values(ledger, tables, declaration, sources, of, now)
    return StagesPlan(
        usecase=declaration.name,
        feedback=feedback,
        of=of,
        champion=champion,
        decisions=spread.decisions if spread else None,
        keys=values.keys if values else None,
        keys_a_day=values.a_day if values else None,
        stages=tuple(
            planned_stage(
                "canary" if each.kind == "canary" else "shadow",
                each.share,
                max(1, each.length.days),
                feedback,
                spread=spread,
                history=values,
                has_slow_limit=True,
            )
            for each in stages
        ),
        losses=_losses(stages[-1].share, champion, spread, values),
    )


def _losses(
    share: float, champion: float | None, spread: Spread | None, values: KeyValues | None
) -> tuple[PlannedLoss, ...]:
    """share: of the keys in the candidate's arm of the last stage."""
    losses = []
    for part in SHARES if champion else ():
        loss = part * abs(champion or 0.0)
        if values is not None and share:
            needed = days_for_value(values, share, loss)
            losses.append(PlannedLoss(loss, part, needed, round(needed * values.a_day) if needed else None))
        elif spread is not None:
            losses.append(PlannedLoss(loss, part, days_for_loss(spread, loss), None))
    return tuple(losses)


def _values(
    ledger: Ledger, tables: Tables, declaration: Declaration, sources: dict[str, str], name: str, now: datetime
) -> tuple[float | None, KeyValues | None]:
    """The champion's value per key on the newest scored rows with labels, and its spread; None without any."""
    schema, known = declaration.schema_, known_at(ledger, declaration.name, now)
    scored = {r.payload.batch: r.key for r in ledger.all(declaration.name, BatchScored) if r.payload.of is None}
    recent = [batch for batch in known.batches if batch.batch in scored][-BATCHES:]
    if not recent or schema.task == "multiclass":
        return None, None
    rows = read_rows(tables, declaration.name, schema, known, only=tuple(batch.batch for batch in recent))
    table = tables.read(
        declaration.name, "predictions", [scored[batch.batch] for batch in recent], [*schema.key, SCORE]
    )
    if table is None:
        return None, None
    rows = rows[rows[LABEL].notna()].merge(table.to_pandas().drop_duplicates(list(schema.key)), on=list(schema.key))
    if rows.empty:
        return None, None
    value = declared_metric(declaration, sources, name)
    mean, influence = value.value_and_influence(labels_of(rows, schema), rows[SCORE].to_numpy(dtype=np.float64))
    days = rows[schema.time].dt.tz_convert(schema.timezone).dt.date.nunique()
    return mean, key_values(influence + mean, int(days))
