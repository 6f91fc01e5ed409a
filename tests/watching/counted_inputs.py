"""Counts of each feature by day, of rows that are all in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from perennial.watching.statistics.counting import RowDays
from perennial.watching.statistics.counts import Counts
from perennial.watching.statistics.frames import tally_inputs
from perennial.watching.statistics.grid import Grid


def count_inputs(inputs: pd.DataFrame, days: RowDays, grids: Mapping[str, Grid]) -> dict[str, Counts]:
    """As `tally_inputs`."""
    return {name: each.summed for name, each in tally_inputs(inputs, days, grids).items()}
