"""Separates the rows that are set aside from the accepted ones. No row is lost: arrived = accepted + set aside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from perennial.errors import TerminalError
from perennial.our_columns import RAW, REASONS, ROW

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.parsing import Parsed


class RowsLost(TerminalError):
    """Accepted and set-aside rows do not add up to those that arrived: a bug in Perennial. Nothing is written."""

    code = "rows-lost"


def raw_rows(parsed: Parsed, rows: Sequence[int]) -> pd.DataFrame:
    """The named rows as texts: what arrived if it could not be read, otherwise the value that was read from it.

    In a column that is not written plainly (1.234,50 €) it is always the text that arrived.
    Null for missing values. The landing keeps the original bytes.
    """
    import pandas as pd
    import pyarrow as pa

    chosen = parsed.frame.iloc[list(rows)]
    columns = {}
    for column, values in chosen.items():
        texts = pd.Series(
            [None if pd.isna(value) else _text(value) for value in values], index=chosen.index, dtype="object"
        )
        if column in parsed.unreadable:
            unreadable = parsed.unreadable[column].iloc[list(rows)]
            texts = texts.where(unreadable.isna(), unreadable)
        if column in parsed.written:
            arrived = parsed.written[column].take(pa.array(list(rows), pa.int64())).to_pylist()
            texts = pd.Series(arrived, index=chosen.index, dtype="object")
        columns[column] = texts
    return pd.DataFrame(columns, index=chosen.index)


def _text(value: object) -> str:
    """As it would be written in a file: whole numbers without a decimal point, booleans in lower case."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


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
    import pandas as pd

    rows = sorted(set_aside)
    kept = ~frame.index.isin(rows)
    accepted = frame[kept]
    raw = raw_rows.loc[rows].astype("object").to_dict("records")
    quarantine = pd.DataFrame(
        {
            ROW: pd.Series(rows, dtype="int64"),
            REASONS: pd.Series([_json(list(set_aside[row])) for row in rows], dtype="str"),
            RAW: pd.Series([_json({c: None if pd.isna(v) else v for c, v in row.items()}) for row in raw], dtype="str"),
        }
    )
    if len(accepted) + len(quarantine) != len(frame) or not frame.index.is_unique:
        raise RowsLost(
            f"{len(frame)} rows arrived, but {len(accepted)} would be accepted and {len(quarantine)} set aside; "
            "no row was written"
        )
    if without := [row for row in rows if not set_aside[row]]:
        raise RowsLost(f"row {without[0]} would be set aside without a reason; no row was written")
    return accepted, quarantine


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
