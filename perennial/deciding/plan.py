"""What the next decisions could detect, from the spread of earlier ones and the labels that none has used yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from perennial.clock import write_instant
from perennial.deciding.at_once import planned_training
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.deciding.newest_rows import newest_rows
from perennial.deciding.ruling import USUAL_DECISIONS_A_YEAR, clusters_before, taken_before
from perennial.errors import InputError
from perennial.evaluation.budget import share_of
from perennial.evaluation.figures import UNITS
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.planning import Spread, days_needed, smallest_gain, spread_of
from perennial.evaluation.policies import load_policy
from perennial.ledger.entries import Decision, Trigger
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, waiting_challenger
from perennial.store.known import known_at
from perennial.store.tables import Tables
from perennial.training.readiness import NotYet
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_judge import NEXT_BATCH

SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)
_LENGTH = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Line:
    """A gain, in the metric's unit and as a share of the champion's value, and what detects it in 4 of 5 cases.

    clusters: days or weeks of labels; low, high: with the smallest and the largest spread of single decisions.
    reached: when that many will be known, including the unspent ones. None: not within ten years.
    """

    gain: float
    share: float
    clusters: int | None
    low: int | None
    high: int | None
    reached: str | None


@dataclass(frozen=True)
class Plan:
    """What the next decisions of a use case could detect.

    usual: the clusters of earlier decisions (median), and smallest: the gain that this many detect. alpha: the error
    level of a release, 0 if the year's budget is spent. unspent_rows, unspent_clusters: labels that became known after
    the waiting challenger was trained and have not been used for an evaluation. next_challenger: whether the newest
    days would evaluate one that is trained now, or why not; None if that is not declared.
    """

    usecase: str
    metric: str
    policy: str
    cluster_by: str
    alpha: float
    champion: float
    decisions: int
    inflation: float | None
    usual: int
    smallest: float
    unspent_rows: int
    unspent_clusters: int
    lines: tuple[Line, ...]
    next_challenger: str | None = None


def plan_of(ledger: Ledger, tables: Tables, declaration: Declaration, now: datetime, gain: float | None) -> Plan:
    """Plan for the primary metric. gain: the only one asked about, else some shares of the champion's value.

    now: aware, by the use case's clock. Raises InputError if no two models have been compared yet, or if the clusters
    are groups of a column, of which time brings no more.
    """
    usecase, metric, unit = declaration.name, declaration.primary, declaration.evaluation.cluster_name
    if unit not in UNITS:
        raise InputError(
            f"evaluation.cluster_by: time brings more rows but no more groups of {unit}, so there is nothing to plan"
        )
    history = [row.payload for row in ledger.all(usecase, Decision)]
    code = declaration.metric_code(metric)
    earlier = clusters_before(history, metric, code, unit)
    spread = spread_of(earlier)
    if spread is None:
        raise InputError(
            f"{usecase}: no two models have been compared on {metric} yet, so how much its {unit}s vary is unknown",
            code="decisions-none",
        )
    champion = value_of_champion(history, metric, code) or 0.0
    alpha = _alpha(declaration, history, now)
    rows, unspent = _unspent(ledger, tables, declaration, now)
    usual = int(np.median([sums.size for sums, _ in earlier]))
    wanted = [gain] if gain is not None else [share * abs(champion) for share in SHARES]
    lines = [_line(each, champion, spread, alpha, unspent, now, declaration) for each in wanted] if alpha else []
    return Plan(
        usecase=usecase,
        metric=metric,
        policy=declaration.release.policy,
        cluster_by=unit,
        alpha=alpha,
        champion=champion,
        decisions=spread.decisions,
        inflation=spread.seen.factor if spread.seen else None,
        usual=usual,
        smallest=smallest_gain(spread.a_day, usual, spread.seen, alpha=alpha or ALPHA),
        unspent_rows=rows,
        unspent_clusters=unspent,
        lines=tuple(lines),
        next_challenger=_next_challenger(ledger, tables, declaration, now, history),
    )


def value_of_champion(history: list[Decision], metric: str, code: str) -> float | None:
    """The champion's value in the newest decision between two models that measured this metric; None without one."""
    between_two = (decision for decision in reversed(history) if decision.release_no)
    measured = (each for decision in between_two for each in decision.metrics if each.champion is not None)
    return next((each.champion for each in measured if (each.name, each.own_code) == (metric, code)), None)


def _line(
    gain: float, champion: float, spread: Spread, alpha: float, unspent: int, now: datetime, declaration: Declaration
) -> Line:
    low, middle, high = (
        days_needed(gain, each, spread.seen, alpha=alpha) for each in (spread.low, spread.a_day, spread.high)
    )
    reached = None
    if middle is not None:
        to_come = max(0, middle - unspent) * _LENGTH[declaration.evaluation.cluster_name]
        delay = declaration.schema_.label_known_after if to_come else timedelta()
        reached = write_instant(now + timedelta(days=to_come) + delay)
    return Line(gain, gain / abs(champion) if champion else 0.0, middle, low, high, reached)


def _alpha(declaration: Declaration, history: list[Decision], now: datetime) -> float:
    a_year = load_policy(declaration.release.policy).a_year
    if a_year is None:
        return ALPHA
    rules = declaration.rules
    taken = taken_before(history)
    planned = rules.decisions_a_year or USUAL_DECISIONS_A_YEAR
    return share_of(a_year, planned, rules.event_decisions_a_year, taken, now.year, "planned").alpha


def _unspent(ledger: Ledger, tables: Tables, declaration: Declaration, now: datetime) -> tuple[int, int]:
    waiting = waiting_challenger(ledger, declaration.name)
    if waiting is None:
        return 0, 0
    unspent = evaluation_rows(tables, ledger, declaration, known_at(ledger, declaration.name, now), waiting)
    return len(unspent.rows), len(unspent.names)


def _next_challenger(
    ledger: Ledger, tables: Tables, declaration: Declaration, now: datetime, history: list[Decision]
) -> str | None:
    if declaration.release.judge == NEXT_BATCH:
        return None
    waiting = waiting_challenger(ledger, declaration.name)
    if waiting is not None:
        because = f", since {waiting.later_because}" if waiting.later_because else ""
        return (
            f"Version {waiting.model.version} waits for later rows{because}. The next challenger is trained after it."
        )
    known = known_at(ledger, declaration.name, now)
    release = current_release(ledger, declaration.name)
    days = newest_rows(tables, declaration, known)
    plan = planned_training(
        declaration,
        known,
        days and days.rows,
        Trigger(kind="new_batch"),
        history,
        release.candidate if release else None,
    )
    if isinstance(plan, NotYet):
        return f"The next challenger is not trained yet: {plan.why}."
    if plan.until is None:
        return f"The next challenger waits for later rows: {plan.later_because}."
    rows = f"events before {write_instant(plan.until)}"
    return f"The next challenger is trained on {rows} and evaluated at once on those from then on."
