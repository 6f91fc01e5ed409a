"""The rows of keys in landed bytes, which are written again without them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.intake.typed import typed
from perennial.ledger.entries import LabelBatchEntry
from perennial.ledger.ledger import Ledger
from perennial.sources.delimited import lines_of
from perennial.sources.opened import UnreadableBatch, closed
from perennial.sources.read_options import ReadOptions
from perennial.sources.suffix import Suffix
from perennial.sources.workbook import sheet_table
from perennial.store.landing import Landing, suffix_of
from perennial.usecase.columns import column_types, label_options, read_options

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.erasure.keys import Keys
    from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class LandedRows:
    """Bytes that hold rows of the keys. which: shape (n,), true for those; None for bytes that are not a table."""

    name: str
    read: ReadOptions
    which: pa.BooleanArray | None

    @property
    def rows(self) -> int:
        """How many rows are erased; 1 for bytes that are removed as a whole."""
        return 1 if self.which is None else self.which.true_count


def rows_in_landing(landing: Landing, ledger: Ledger, keys: Keys) -> list[LandedRows]:
    """Every landed file with a row of the keys, of batches and of labels, whether or not the ledger has it."""
    return list(_looked_through(landing, ledger, keys))


def _looked_through(landing: Landing, ledger: Ledger, keys: Keys) -> Iterator[LandedRows]:
    usecase, declaration = keys.declaration.name, keys.declaration
    read_as = read_options_of(landing, ledger, declaration)
    types = {name: column_types(declaration)[name] for name in declaration.schema_.key}
    for name in landing.names(usecase):
        data = landing.as_stored(usecase, name)
        read = read_as(name)
        try:
            parsed = typed(declaration, data, suffix_of(name), types, read)
        except UnreadableBatch:
            if any(value and value.encode() in data for key in keys.wanted for value in key):
                yield LandedRows(name, read, None)
            continue
        if parsed.missing:
            continue
        which = keys.among_parsed(parsed)
        if which.true_count:
            yield LandedRows(name, read, which)


def read_options_of(landing: Landing, ledger: Ledger, declaration: Declaration) -> Callable[[str], ReadOptions]:
    """How landed bytes are written, by their name: as batches, or as files of labels."""
    erased, labels = landing.erased(declaration.name), set()
    for name in {row.payload.landing for row in ledger.all(declaration.name, LabelBatchEntry)}:
        labels.add(name)
        while name := erased.get(name, ""):
            labels.add(name)
    own, late = read_options(declaration), label_options(declaration)
    return lambda name: late if name in labels else own


def erase_from_landing(landing: Landing, usecase: str, rows_here: LandedRows) -> None:
    """Write the bytes again without the rows. Bytes that cannot be read as a table are removed as a whole."""
    data = landing.as_stored(usecase, rows_here.name)
    if rows_here.which is None:
        landing.erase(usecase, rows_here.name, None, suffix_of(rows_here.name))
    else:
        landing.erase(
            usecase, rows_here.name, *_without(data, suffix_of(rows_here.name), rows_here.which, rows_here.read)
        )


def _without(data: bytes, suffix: Suffix, which: pa.BooleanArray, read: ReadOptions) -> tuple[bytes, Suffix]:
    """The bytes that are left. A workbook is written as Parquet, which keeps the types of its cells."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if suffix == ".csv":
        header, *lines = lines_of(data, read)
        kept = [line for line, gone in zip(lines, which.to_pylist(), strict=True) if not gone]
        return closed(header + b"".join(kept), read), suffix
    table = sheet_table(data, read) if suffix == ".xlsx" else pq.read_table(io.BytesIO(data))
    sink = pa.BufferOutputStream()
    pq.write_table(table.filter(pc.invert(which)), sink)
    return sink.getvalue().to_pybytes(), ".parquet"
