"""Separates the rows that are set aside from the accepted ones. No row is lost: arrived = accepted + set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from perennial.errors import TerminalError
from perennial.our_columns import RAW, REASONS, ROW
from perennial.sources.plain_text import as_in_file

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.batch_rows import BatchRows

_PART = 100_000
"""Rows set aside whose texts are in memory at a time."""


class RowsLost(TerminalError):
    """Accepted and set-aside rows do not add up to those that arrived: a bug in Perennial. Nothing is written."""

    code = "rows-lost"


def raw_rows(batch: BatchRows, rows: Sequence[int]) -> pd.DataFrame:
    """The named rows as texts, see `as_in_file`. The landing keeps the original bytes."""
    import pandas as pd

    some = batch.taken(rows)
    columns = {column: as_in_file(some, column) for column in some.names}
    return pd.DataFrame(columns, index=some.index)


def split(
    frame: pd.DataFrame, raw_rows: pd.DataFrame, set_aside: Mapping[int, Sequence[str]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The accepted rows and the quarantine.

    frame: typed rows, numbered 0..n-1 in the order of arrival.
    raw_rows: texts of at least the rows set aside, under the same numbers; see `raw_rows`.
    set_aside: row → its reasons, as `Validation.set_aside`.
    The accepted rows keep order, types and numbers. The quarantine has `ROW` (the number of arrival), `REASONS`
    (a JSON list) and `RAW` (a JSON object, column → text as it arrived).
    Raises RowsLost if a row would be lost or counted twice; KeyError for a row whose texts are not given.
    """
    kept = ~frame.index.isin(list(set_aside))
    accepted = frame[kept]
    quarantine = _quarantine(raw_rows, set_aside)
    if len(accepted) + len(quarantine) != len(frame) or not frame.index.is_unique:
        raise _lost(len(frame), len(accepted), len(quarantine))
    return accepted, quarantine


def accepted_parts(batch: BatchRows, set_aside: Mapping[int, Sequence[str]]) -> Iterator[pd.DataFrame]:
    """The accepted rows of a batch as `split` has them, part by part. Raises RowsLost at their end."""
    import numpy as np

    rows, accepted = np.array(sorted(set_aside), dtype=np.int64), 0
    for part in batch.parts():
        bad = rows[slice(*np.searchsorted(rows, [part.index[0], part.index[-1] + 1]))] if len(part) else rows[:0]
        accepted += len(part) - len(bad)
        yield part.drop(index=bad)
    if accepted + len(rows) != len(batch):
        raise _lost(len(batch), accepted, len(rows))


def quarantine_parts(batch: BatchRows, set_aside: Mapping[int, Sequence[str]]) -> Iterator[pd.DataFrame]:
    """The quarantine of a batch as `split` has it, part by part."""
    rows = sorted(set_aside)
    for first in range(0, max(len(rows), 1), _PART):
        some = rows[first : first + _PART]
        yield _quarantine(raw_rows(batch, some), {row: set_aside[row] for row in some})


def _quarantine(raw_rows: pd.DataFrame, set_aside: Mapping[int, Sequence[str]]) -> pd.DataFrame:
    import pandas as pd

    rows = sorted(set_aside)
    if without := [row for row in rows if not set_aside[row]]:
        raise RowsLost(f"row {without[0]} would be set aside without a reason; no row was written")
    raw = raw_rows.loc[rows].astype("object").to_dict("records")
    return pd.DataFrame(
        {
            ROW: pd.Series(rows, dtype="int64"),
            REASONS: pd.Series([_json(list(set_aside[row])) for row in rows], dtype="str"),
            RAW: pd.Series([_json({c: None if pd.isna(v) else v for c, v in row.items()}) for row in raw], dtype="str"),
        }
    )


def _lost(arrived: int, accepted: int, quarantined: int) -> RowsLost:
    return RowsLost(
        f"{arrived} rows arrived, but {accepted} would be accepted and {quarantined} set aside; no row was written"
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
