"""Whether the newest days can evaluate a challenger at once: then it is trained without them.

A model may be evaluated only on rows that it did not learn from, so one that learns from everything waits for the next
batch. With `release.judge: {newest: 15d}` it leaves out the newest days instead, and what is released is that model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.deciding.labelled_rows import labelled as with_clusters
from perennial.evaluation.figures import counted
from perennial.evaluation.intervals.cluster_interval import undecidable_clusters
from perennial.evaluation.metrics.rare_class import MIN_ROWS_OF_A_CLASS
from perennial.ledger.entries import Candidate, ChallengerEntry, Decision, Snapshot, Trigger
from perennial.ledger.erased import by_erasure
from perennial.ledger.ledger import Ledger
from perennial.our_columns import BATCH, FIRST_KNOWN_AT
from perennial.store.known import Known
from perennial.store.rows import labels_of
from perennial.training.challenger import Newest as NewestChallenger
from perennial.training.readiness import NotYet
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_judge import Newest

if TYPE_CHECKING:
    import pandas as pd

_ALARMS = ("drift", "event")


@dataclass(frozen=True)
class Training:
    """What to train on: everything, or only events before `until`, so that the days from it on evaluate the model.

    raced_on: ids of the batches whose race steps may choose the model, None for all: those that arrived before any row
    of the newest days. later_because: why it is everything although the newest days were to evaluate the model.
    """

    until: datetime | None = None
    raced_on: frozenset[str] | None = None
    later_because: str | None = None


@dataclass(frozen=True)
class NewestDays:
    """The newest local days that have labels.

    until: the midnight at which they begin, None if there are no more days than these. too_few: why they cannot
    evaluate a challenger; used: why they cannot yet, since some evaluated an earlier one. Both empty if they can.
    """

    until: datetime | None
    too_few: str = ""
    used: str = ""


def planned_training(
    declaration: Declaration,
    known: Known,
    labelled: pd.DataFrame | None,
    trigger: Trigger,
    history: Sequence[Decision],
    candidate: Candidate | None,
) -> Training | NotYet:
    """What to train on now that `trigger` asks for a model.

    labelled: rows with a label that is known by then, at least those of `newest_rows`; None without any.
    history: all earlier decisions.
    candidate: the model in a stage, None without one. If the newest days could evaluate a model but have just evaluated
    another, a planned training waits until they are new: a model that is trained then has learned from more, and is
    decided no later.
    """
    judge = declaration.release.judge
    if not isinstance(judge, Newest) or labelled is None or labelled.empty:
        return Training()
    erased = bool(by_erasure(trigger))
    if trigger.kind in _ALARMS and not erased:
        return Training(later_because="an alarm asked for it, and rows that raised one do not evaluate its remedy")
    days = newest_days(declaration, judge.days, labelled, history)
    if days.until is None or days.too_few:
        return Training(later_because=days.too_few)
    used = f"version {candidate.model.version} is in a stage, after which comes the next decision" if candidate else ""
    if used or days.used:
        return (
            Training(later_because=used or days.used)
            if trigger.kind == "person" or erased
            else NotYet(used or days.used)
        )
    return Training(days.until, raced_on=_arrived_before(known, labelled, declaration.schema_.time, days.until))


def newest_days(declaration: Declaration, days: int, labelled: pd.DataFrame, history: Sequence[Decision]) -> NewestDays:
    """The newest `days` local days of the labelled rows, and whether they can evaluate a challenger."""
    schema, evaluation = declaration.schema_, declaration.evaluation
    local = labelled[schema.time].dt.tz_convert(schema.timezone).dt.normalize()
    distinct = np.sort(local.unique())
    if len(distinct) <= days:
        have = counted(len(distinct), "day", "days")
        return NewestDays(None, f"labels of {have} are known, and {days} are left out of a training")
    until: datetime = distinct[-days].to_pydatetime()
    newest = with_clusters(declaration, labelled[labelled[schema.time] >= until])
    few = undecidable_clusters(np.bincount(newest.codes), evaluation.cluster_name)
    if few is None and schema.task != "regression":
        few = _too_few_of_a_class(declaration, newest.rows)
    decided = max((instant(each.as_of) for each in history), default=None)
    used = ""
    if decided is not None:
        old = newest.rows[FIRST_KNOWN_AT] <= decided
        if old.any():
            at = newest.frame.loc[old, schema.time].dt.tz_convert(schema.timezone).dt.normalize()
            some = at.nunique()
            used = (
                f"{some} of the newest {days} days {'has' if some == 1 else 'have'} evaluated an earlier challenger; "
                f"the next one is trained once labels of {days} new days are known"
            )
    return NewestDays(until, f"of the newest {days} days: {few}" if few else "", used)


def _too_few_of_a_class(declaration: Declaration, rows: pd.DataFrame) -> str | None:
    schema = declaration.schema_
    classes = schema.classes or (0, 1)
    counts = np.bincount(labels_of(rows, schema).astype(np.int64), minlength=len(classes))
    fewest = int(counts.argmin())
    if counts[fewest] >= MIN_ROWS_OF_A_CLASS:
        return None
    have = counted(int(counts[fewest]), "row has", "rows have")
    return f"{have} the label {classes[fewest]}, and {MIN_ROWS_OF_A_CLASS} are needed"


def _arrived_before(known: Known, labelled: pd.DataFrame, time: str, until: datetime) -> frozenset[str]:
    """Ids of the batches that arrived before the first one with a row of the days from `until` on.

    A step of the race trains on what had arrived before its batch, so one that came after such a row has learned from
    it. Of a replaced revision the rows are not at hand, so its end counts.
    """
    newest = set(labelled.loc[labelled[time] >= until, BATCH])
    holding = [b for b in known.batches if b.batch in newest]
    holding += [b for b in known.replaced if instant(b.end) > until]
    first = min(instant(b.arrived_at) for b in holding)
    return frozenset(b.batch for b in (*known.batches, *known.replaced) if instant(b.arrived_at) < first)


def nothing_since(newest: NewestChallenger, known_at: datetime) -> bool:
    """Whether the challenger left out the newest days, and nothing has become known since: it is trained only once.

    known_at: when a label or a row came last.
    """
    return newest.snapshot.until is not None and known_at <= instant(newest.snapshot.as_of)


def is_evaluated_at_once(ledger: Ledger, usecase: str, challenger: ChallengerEntry) -> bool:
    """Whether the challenger was trained without the newest days."""
    snapshot = ledger.get(usecase, Snapshot, challenger.snapshot)
    return snapshot is not None and snapshot.payload.until is not None
