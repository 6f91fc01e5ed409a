"""Times of a batch as whole numbers, microseconds since 1970, of which many are in memory at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK = 2**20


def numbers_of(times: pd.Series) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Whether each time is there, and its number. times: datetime64[us, UTC]."""
    import numpy as np

    return times.notna().to_numpy(), times.dt.tz_convert(None).to_numpy(dtype="datetime64[us]").view(np.int64)


def number_of(moment: datetime) -> int:
    """The number of an aware time."""
    return microseconds(moment - _EPOCH)


def microseconds(length: timedelta) -> int:
    """A length of time, rounded down."""
    return length // timedelta(microseconds=1)


def largest_gap(ordered: npt.NDArray[np.int64]) -> int:
    """Between neighbours, 0 without any; in blocks, without a copy of all numbers."""
    import numpy as np

    blocks = (ordered[at : at + _BLOCK + 1] for at in range(0, len(ordered), _BLOCK))
    return max((int(np.diff(block).max(initial=0)) for block in blocks), default=0)
