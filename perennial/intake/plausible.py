"""Implausible times: after today, or a few rows far away from all others of their batch.

Otherwise, one mistyped year would move a replay clock for every later batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.intake.times import largest_gap, microseconds, number_of, numbers_of
from perennial.sources.batch_rows import BatchRows, column_parts
from perennial.sources.window import Window

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

LATE = "implausibly late"
EARLY = "implausibly early"
_NAMES = [LATE, EARLY]
FAR_WINDOW = "a window far from all others"
OTHER_ORDER = "dates in another order"

MARGIN = timedelta(days=1)
"""How far a time may be after now, since the clocks and time zones of data providers differ."""
EARLY_GAP = timedelta(days=3650)
"""Early rows do not move a clock, and a history may begin with few rows, so only this far before all others are they
implausible."""
ENOUGH = 10
"""With fewer rows it is unknown which of them are typical."""
_FEW = 20
"""At most one row in this many is far away by mistake; if there are more, the data is like that."""
_TIMES_THE_LARGEST = 10
"""A gap is unusual if it is this many times as long as every other gap between neighbouring rows."""


def time_faults(times: pd.Series, *, now: datetime, gap: timedelta, future: bool = False) -> pd.Series:
    """`LATE` or `EARLY` for each time that is implausible, null for the others and for nulls.

    times: datetime64[us, UTC], any index, which is kept.
    now: aware; a time more than `MARGIN` after it is late, unless `future` times are expected.
    gap: at most one row in twenty, further than this after all others, is late too, if no other gap is a tenth as long.

    >>> import pandas as pd
    >>> days = pd.to_datetime([f"2024-02-{d:02d}" for d in range(1, 20)] + ["2204-02-20"], utc=True)
    >>> faults = time_faults(pd.Series(days), now=datetime(2026, 1, 1, tzinfo=UTC), gap=timedelta(days=180))
    >>> faults.dropna().to_dict()
    {19: 'implausibly late'}
    """
    return time_faults_in(lambda: iter([times]), times.index, now=now, gap=gap, future=future)


def time_faults_in(
    parts: Callable[[], Iterator[pd.Series]], index: pd.Index, *, now: datetime, gap: timedelta, future: bool = False
) -> pd.Series:
    """`time_faults` of times that come part by part, twice; of all of them, one copy is in memory.

    index: of all parts together.
    """
    import numpy as np
    import pandas as pd

    latest = number_of(now + MARGIN) if not future else np.iinfo(np.int64).max
    typical, count = np.empty(len(index), dtype=np.int64), 0
    for part in parts():
        there, numbers = numbers_of(part)
        usable = numbers[there & (numbers <= latest)]
        typical[count : count + len(usable)] = usable
        count += len(usable)
    earliest, latest = _typical_range(typical[:count], gap, latest)
    faults, first = np.full(len(index), -1, dtype=np.int8), 0
    for part in parts():
        there, numbers = numbers_of(part)
        of_part = faults[first : first + len(part)]
        of_part[there & (numbers > latest)] = _NAMES.index(LATE)
        of_part[there & (numbers < earliest)] = _NAMES.index(EARLY)
        first += len(part)
    return pd.Series(pd.Categorical.from_codes(faults, _NAMES), index=index)


def plausible_times(batch: BatchRows, column: str, faults: pd.Series) -> Iterator[pd.Series]:
    """The times of a batch that are plausible, or missing, part by part. faults: as `time_faults` has them."""
    return (part[faults.loc[part.index].isna()] for part in column_parts(batch, column))


def _typical_range(numbers: npt.NDArray[np.int64], gap: timedelta, latest: int) -> tuple[int, int]:
    """The first and the last plausible one. numbers: at most `latest`; they are sorted in place."""
    import numpy as np

    earliest = np.iinfo(np.int64).min
    numbers.sort()
    if len(numbers) >= ENOUGH:
        few = max(1, len(numbers) // _FEW)
        usual = largest_gap(numbers[few : len(numbers) - few]) * _TIMES_THE_LARGEST
        late = np.flatnonzero(np.diff(numbers[-few - 1 :]) > max(microseconds(gap), usual))
        early = np.flatnonzero(np.diff(numbers[: few + 1]) > max(microseconds(EARLY_GAP), usual))
        if len(late):
            latest = int(numbers[len(numbers) - 1 - few + late[0]])
        if len(early):
            earliest = int(numbers[early[-1] + 1])
    return earliest, latest


def future_windows(windows: Sequence[Window], now: datetime) -> list[Window]:
    """The windows that begin more than `MARGIN` after now, from mistyped times. They must not move a clock."""
    return [window for window in windows if window.start is not None and window.start > now + MARGIN]


def far_window(window: Window, others: Sequence[Window], rows: int, usual: float | None, gap: timedelta) -> str | None:
    """Why a window of a source that is split by time is implausible as a whole, or None.

    others: every window that the source has. rows: how many this one has. usual: how many batches usually have.
    """
    few = rows * _FEW <= usual if usual is not None else rows < ENOUGH
    if window.start is None or window.end is None or not few:
        return None
    before = max((w.end for w in others if w.end is not None and w.end <= window.start), default=None)
    after = min((w.start for w in others if w.start is not None and w.start >= window.end), default=None)
    if before is not None and window.start - before > gap:
        return f"begins {(window.start - before).days:,} days after the window before it"
    if after is not None and after - window.end > EARLY_GAP:
        return f"ends {(after - window.end).days:,} days before the window after it"
    return None
