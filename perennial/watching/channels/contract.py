"""The contract channel: is the input what was agreed, and did it come in time?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from perennial.clock import instant
from perennial.evaluation.figures import counted, percent
from perennial.intake.missing import features_gone
from perennial.ledger.entries import BatchEntry
from perennial.ledger.entries.watching import Severity
from perennial.watching.channels.finding import Found, unknown
from perennial.watching.overdue import Overdue

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Watched

SHOWN = 3


def contract(batch: BatchEntry, late: Overdue | None = None) -> Found:
    """The finding on the newest batch.

    batch: accepted or held, with what its checks found. late: the next one, if it is overdue.
    The value is the number of points that are not as agreed; one is an alarm. A batch that was held pages, a batch
    that is overdue warns, and failed warnings of an accepted batch are for information.
    """
    size = f"{counted(batch.rows.arrived, 'row', 'rows')}, {batch.rows.quarantined:,} set aside"
    if batch.rows.arrived:
        size += f", {percent(batch.rows.quarantined / batch.rows.arrived)}"
    points = [*batch.held_because, *batch.warnings]
    if batch.status == "held":
        words = f"The batch {batch.window} was held ({size}): {_listed(points)}"
        severity: Severity = "page"
    elif points:
        words = f"The batch {batch.window} was accepted ({size}) with warnings: {_listed(points)}"
        severity = "info"
    else:
        words, severity = f"The batch {batch.window} is as agreed ({size})", "info"
    if late is not None:
        words += f"; {late.words}"
        severity = "page" if batch.status == "held" else "warning"
    many = len(points) + (late is not None)
    return Found(float(many), 1.0, many > 0, many == 0, f"{words}.", severity)


def wants_retraining_since(opened_at: datetime, batches: Iterable[BatchEntry]) -> datetime | None:
    """When an episode began to want a retraining: at the first accepted batch in it whose rows lack a feature.

    None if there is none. A batch that is held or overdue brings nothing to learn from, a failed check does not show
    that the model is worse, and nothing uses a new column: a retraining would be one on the same rows, or would
    replace a challenger that already collects labels.
    batches: the newest entry of each window.
    """
    lacking = (each for each in batches if each.status == "accepted" and features_gone(each.warnings))
    arrived = [instant(each.arrived_at) for each in lacking]
    return min((at for at in arrived if at >= opened_at), default=None)


def _listed(points: list[str]) -> str:
    more = f" and {len(points) - SHOWN} more" if len(points) > SHOWN else ""
    return "; ".join(points[:SHOWN]) + more


@dataclass(frozen=True)
class Contract:
    """The channel."""

    name: str = "contract"
    question: str = "Is the input what was agreed, and did it come in time?"
    statistic: str = "points that are not: reasons to hold the batch, failed warnings, an overdue batch"
    unit: str = "points"
    blind_to: str = "everything that no check, type, column or share of missing values shows"
    may_retrain: bool = True
    severity: Severity = "warning"
    may_page: bool = True

    def look(self, on: Watched) -> Found:
        """What the checks found on the batch. A held or overdue batch is looked at by `tasks.contract`."""
        return unknown("The batch's checks are unknown.") if on.batch is None else contract(on.batch)


CHANNEL = Contract()
