"""A batch whose columns are in a file is the batch that it would be in memory."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perennial.sources.typed_rows as typed_rows
from data_checks.split import accepted_parts, quarantine_parts, raw_rows, split
from perennial.errors import DiskFull
from perennial.intake.copies import copies_in
from perennial.intake.naming import content_digest
from perennial.sources.batch_rows import BatchRows
from perennial.sources.column_type import ColumnType
from perennial.sources.delimited import UnreadableBatch
from perennial.sources.parsing import parse
from perennial.sources.read_options import ReadOptions
from perennial.sources.reading import Reading
from perennial.sources.stored import stored
from perennial.sources.twins import twins_in
from tests.sources.test_already_typed import KINDS, ZONES, columns

PLACE: ColumnType = "integer"
OTHERWISE = ReadOptions(nulls=["7", "NA", "a"], epochs={"x": "s"})


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_rows, "PART", 3)


def look(batch: BatchRows) -> tuple[object, ...]:
    """What the steps of an ingest read of a batch."""
    rows = list(batch.index)
    some = rows[1::2][::-1]
    frame = batch.columns(batch.names)
    texts = [sorted((name, repr(of[name].to_dict())) for name in of) for of in (batch.unreadable, batch.inexact)]
    return (
        rows,
        len(batch),
        batch.names,
        batch.missing,
        batch.extra,
        batch.absent,
        [batch.nulls(name) for name in batch.names],
        frame.dtypes.to_dict(),
        repr(frame.to_dict()),
        repr(pd.concat(batch.parts()).to_dict()),
        texts,
        {name: texts for name in batch.written if any(texts := batch.written[name].to_pylist())},
        repr(raw_rows(batch, some).to_dict()),
        repr(batch.taken(some).frame.to_dict()),
        content_digest(batch, ("n",)),
    )


@settings(max_examples=60, deadline=None)
@given(column=columns(), kind=st.sampled_from(KINDS), timezone=st.sampled_from(ZONES), data=st.data())
def test_whatever_its_columns_hold(column: pa.Array, kind: ColumnType, timezone: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, 5), min_size=len(column), max_size=len(column)))
    table = pa.table({"n": pa.array(places, pa.int64()), "x": column, "more": pa.array(places, pa.int64())})
    types: dict[str, ColumnType] = {"n": PLACE, "x": kind, "gone": "text"}
    read = data.draw(st.sampled_from([ReadOptions(), OTHERWISE]))
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=data.draw(st.integers(1, 5)))
    whole = parse(out.getvalue(), ".parquet", types, timezone, read=read)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "batch.parquet"
        file.write_bytes(out.getvalue())
        with stored(file, Reading(types, timezone, read=read), Path(folder) / "spill") as batch:
            assert not any((Path(folder) / "spill").iterdir()), "the file has no name"
            assert look(batch) == look(whole)
            copies = copies_in(out.getvalue, ".parquet", whole, ("n",), read)
            assert copies_in(file, ".parquet", batch, ("n",), read) == copies
            assert look(batch.without(list(copies))) == look(whole.without(list(copies)))
            empty = {"gone": "str"}
            assert look(batch.with_empty(empty, ("gone", "n", "x"))) == look(
                whole.with_empty(empty, ("gone", "n", "x"))
            )
            aside = dict.fromkeys(whole.index[::2], ("odd",))
            good, bad = split(whole.frame, raw_rows(whole, list(aside)), aside)
            assert repr(pd.concat(accepted_parts(batch, aside)).to_dict()) == repr(good.to_dict())
            assert pd.concat(quarantine_parts(batch, aside)).to_dict() == bad.to_dict()


def test_a_file_that_is_cut_short_is_reported_as_in_memory(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array(range(5000))}), out, row_group_size=1000)
    whole, file = out.getvalue(), tmp_path / "batch.parquet"
    file.write_bytes(whole[:2000] + bytes(1000) + whole[3000:])
    with pytest.raises(UnreadableBatch, match="cannot be read as Parquet"):
        parse(file.read_bytes(), ".parquet", {"n": PLACE}, "UTC")
    with (
        pytest.raises(UnreadableBatch, match="cannot be read as Parquet"),
        stored(file, Reading({"n": PLACE}, "UTC"), tmp_path),
    ):
        pass


def test_a_full_disk_is_reported_as_one_and_not_as_a_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "batch.parquet"
    pq.write_table(pa.table({"n": pa.array(range(10))}), file)
    full = Path("/dev/full")  # every write to it fails
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: full.open("r+b", buffering=0))
    with (
        pytest.raises(DiskFull, match="the columns of a batch could not be written"),
        stored(file, Reading({"n": PLACE}, "UTC"), tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("keys", "twins"),
    [
        ([1.0, 0.0, 2.0, -0.0, 1.5], [1, 3]),
        (["b", "a", "é", "b", "b"], [0, 3, 4]),
        ([5, 4, 3, 2, 1], []),
        ([1, 2, 3, 4, 5], []),
        ([], []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 9])
def test_a_key_that_another_part_has_too_is_found(
    keys: list[object], twins: list[int], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.sources.twins.HASHES", 2)
    frame = pd.DataFrame({"key": pd.Series(keys)})

    def parts() -> Iterator[pd.DataFrame]:
        return (frame[at : at + size] for at in range(0, max(1, len(frame)), size))

    assert twins_in(parts, len(frame)).tolist() == twins
