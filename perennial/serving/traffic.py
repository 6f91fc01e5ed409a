"""Traffic for a test: the rows of a batch as the records that a client would send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from perennial.clock import write_instant
from perennial.serving.fields import Fields

if TYPE_CHECKING:
    import pyarrow as pa


def records_of(rows: pa.Table, fields: Fields) -> Iterator[bytes]:
    """One JSON record for each accepted row, with the fields that a record may have and nothing of its label."""
    names = [name for name in fields.names if name in rows.column_names]
    for part in rows.select(names).to_batches():
        for row in part.to_pylist():
            yield msgspec.json.encode({name: _sendable(value) for name, value in row.items()})


def _sendable(value: Any) -> Any:
    if isinstance(value, datetime):
        return write_instant(value)
    return None if value != value else value  # NaN is not JSON
