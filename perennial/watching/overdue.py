"""Whether the next batch is overdue, by when earlier ones came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from perennial.clock import instant
from perennial.evaluation.figures import figure
from perennial.ledger.entries import BatchEntry
from perennial.sources.window import Cut, window_name

FEWEST = 4
REMEMBERED = 12
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Overdue:
    """The batch that should be here by now.

    name: of its window, or a description. due: when it was to be expected. late: by how much it is overdue.
    """

    name: str
    due: datetime
    late: timedelta

    @property
    def words(self) -> str:
        """In a sentence.

        >>> from datetime import UTC
        >>> Overdue("the batch 2013-07", datetime(2013, 8, 2, tzinfo=UTC), 3 * DAY).words
        'the batch 2013-07 is 3 days overdue (expected by 2013-08-02)'
        """
        days = self.late / DAY
        late = f"{figure(round(days, 1), 3)} days" if days >= 1.5 else f"{round(self.late / timedelta(hours=1))} hours"
        return f"{self.name} is {late.replace('.00', '')} overdue (expected by {self.due:%Y-%m-%d})"


def overdue(batches: Sequence[BatchEntry], now: datetime, *, cut: Cut | None, timezone: str) -> Overdue | None:
    """The next batch if it is overdue; None if it is not, or fewer than `FEWEST` windows came so far.

    batches: the newest entry of each window, accepted or held. now: on the wall clock. cut: how the source cuts its
    windows, None for whole files.
    Due is the end of the next window, by the usual distance of ends, and the usual time from an end to its arrival
    (medians of the newest `REMEMBERED`). A batch is overdue after a tenth of a window more, or three times the scatter
    of these times if that is larger.
    """
    came = sorted(batches, key=lambda batch: instant(batch.end))[-REMEMBERED:]
    if len(came) < FEWEST:
        return None
    ends = [instant(batch.end) for batch in came]
    step, step_scatter = _usual([later - earlier for earlier, later in pairwise(ends)])
    lag, lag_scatter = _usual([instant(batch.arrived_at) - end for batch, end in zip(came, ends, strict=True)])
    due = ends[-1] + step + max(lag, timedelta(0))
    late = now - due
    if late <= max(step / 10, 3 * (step_scatter + lag_scatter)):
        return None
    start = ends[-1] if cut == "hour" else ends[-1].astimezone(ZoneInfo(timezone))
    name = f"the batch {window_name(start, cut)}" if cut else f"the batch after {came[-1].window}"
    return Overdue(name, due, late)


def _usual(times: Sequence[timedelta]) -> tuple[timedelta, timedelta]:
    """The median, and the standard deviation of a normal distribution with the same median absolute deviation."""
    seconds = [each.total_seconds() for each in times]
    middle = median(seconds)
    scatter = 1.4826 * median(abs(each - middle) for each in seconds)
    return timedelta(seconds=middle), timedelta(seconds=scatter)
