"""Naming a batch and giving its rows the shape of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from perennial.errors import InputError
from perennial.identity import digest_rows, short_id
from perennial.sources.window import Window
from perennial.store.entries import BatchEntry
from perennial.usecase.columns import no_such_value, target_values
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_schema import ColumnType, Schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from perennial.sources.parsing import Parsed


@dataclass(frozen=True)
class Named:
    """A batch's identity: what came, for which window, as which revision, under which declaration."""

    batch: str
    revision: int
    digest: str


def content_digest(frame: pd.DataFrame, unreadable: Mapping[str, pd.Series], key: tuple[str, ...]) -> str:
    """sha256 of what a batch says, whatever its file's layout: typed values and texts that no type could read."""
    whole = frame.assign(**{f"{name}\x1funreadable": text for name, text in unreadable.items()})
    return digest_rows(whole, [name for name in key if name in frame.columns] or list(frame.columns[:1]))


def with_late_target(parsed: Parsed, declaration: Declaration) -> Parsed:
    """A batch whose labels come later in files of their own may lack the target column: then no label is known yet."""
    target = declaration.schema_.target
    if declaration.labels is None or target not in parsed.missing:
        return parsed
    empty = parsed.frame.assign(**{target: float("nan")})
    return replace(parsed, frame=empty, missing=tuple(name for name in parsed.missing if name != target))


def name_batch(
    declaration: Declaration, window: str, digest: str, newest: BatchEntry | None, waived: tuple[str, ...] = ()
) -> Named:
    """The identity of a batch that came. Other content for a known window is its next revision.

    newest: of the same window. waived: checks that are waived for this content.
    """
    revision = newest.revision + 1 if newest else 1
    identity = [declaration.name, declaration.source.kind, window, revision, digest, declaration.digest, *waived]
    return Named(short_id(identity), revision, digest)


def end_of(window: Window, frame: pd.DataFrame, schema: Schema) -> datetime:
    """The end of a batch's window; for a file, the midnight (in the schema's zone) after its last event.

    Raises InputError for a file without a single readable time.
    """
    if window.end is not None:
        return window.end
    last = frame[schema.time].max() if schema.time in frame.columns and len(frame) else None
    if last is None or last != last:
        raise InputError(
            f"{window.name}: no row has a readable time in column {schema.time!r}, so the batch has no place in time. "
            f"Mend the file, or correct schema.time; nothing was taken in."
        )
    local = last.tz_convert(schema.timezone)
    midnight = datetime(local.year, local.month, local.day) + timedelta(days=1)
    return midnight.replace(tzinfo=ZoneInfo(schema.timezone))


def accepted_table(
    rows: pd.DataFrame, declaration: Declaration, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime
) -> pa.Table:
    """Accepted rows as the table holds them: declared columns, `_row`, `_batch`, `_arrived_at`, `_label_known_at`.

    rows: index is the row's place in the batch as it arrived.
    """
    schema = declaration.schema_
    known = rows[schema.label_known_at] if schema.label_known_at else rows[schema.time] + schema.label_known_after
    whole = rows.assign(_row=rows.index, _label_known_at=known)
    return _stamped(whole, {**types, "_row": "integer", "_label_known_at": "timestamp"}, batch, arrived_at)


def labels_table(
    rows: pd.DataFrame, declaration: Declaration, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime
) -> pa.Table:
    """Labels that came in a file of their own, as the table holds them. rows: key, target, `_label_known_at`."""
    return _stamped(rows, {**types, "_label_known_at": "timestamp"}, batch, arrived_at)


def sort_labels(parsed: Parsed, declaration: Declaration, known_at: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Label rows that can be used, and those that cannot with every reason: (labels, set aside).

    The first have key, target and `_label_known_at`; the second `_row`, `_reasons` and `raw`, as in the quarantine.
    Raises InputError naming every column that the file lacks.
    """
    import json

    import pandas as pd

    schema = declaration.schema_
    needed = [*schema.key, schema.target, known_at]
    if parsed.missing:
        raise InputError(
            f"labels.path: the file lacks {', '.join(repr(c) for c in parsed.missing)}; a label needs key, "
            f"{schema.target!r} and {known_at!r}. Mend the file; nothing of it was taken in."
        )
    reasons: dict[int, list[str]] = {}
    for name in needed:
        unreadable = parsed.unreadable.get(name, pd.Series(index=parsed.frame.index, dtype="object"))
        for row in parsed.frame.index[parsed.frame[name].isna()]:
            text = unreadable[row]
            reasons.setdefault(int(row), []).append(f"{name}: empty" if pd.isna(text) else f"{name}: not readable")
    allowed = target_values(schema)
    if allowed:
        wrong = parsed.frame[schema.target].notna() & ~parsed.frame[schema.target].isin(allowed)
        for row in parsed.frame.index[wrong]:
            reasons.setdefault(int(row), []).append(f"{schema.target}: {no_such_value(schema)}")
    good = parsed.frame.drop(index=list(reasons)).rename(columns={known_at: "_label_known_at"})
    raw = [
        json.dumps({n: str(parsed.unreadable.get(n, parsed.frame[n])[row]) for n in needed}, ensure_ascii=False)
        for row in reasons
    ]
    aside = pd.DataFrame(
        {
            "_row": list(reasons),
            "_reasons": [json.dumps(r, ensure_ascii=False) for r in reasons.values()],
            "raw": raw,
        }
    )
    return good, aside


def quarantine_table(rows: pd.DataFrame, batch: str, arrived_at: datetime) -> pa.Table:
    """Rows set aside as the table holds them: `_row`, `_reasons` and the raw texts, as they arrived."""
    return _stamped(rows, {"_row": "integer", "_reasons": "text", "raw": "text"}, batch, arrived_at)


def _stamped(rows: pd.DataFrame, types: Mapping[str, ColumnType], batch: str, arrived_at: datetime) -> pa.Table:
    import pyarrow as pa

    arrow: dict[str, Any] = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "text": pa.string(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    columns = {
        name: pa.Array.from_pandas(
            rows[name].astype("object") if kind == "integer" else rows[name], type=arrow[kind], safe=False
        )
        for name, kind in types.items()
    }
    columns["_batch"] = pa.array([batch] * len(rows), pa.string())
    columns["_arrived_at"] = pa.array([arrived_at] * len(rows), arrow["timestamp"])
    return pa.table(columns)
