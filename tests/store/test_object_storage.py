"""Tables on object storage that speaks S3: the same code, credentials from the environment."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.intake.spread import Landed, Piece, typed_piece
from perennial.settings import settings
from perennial.sources.reading import Reading
from perennial.store.bucket import Bucket
from perennial.store.tables import Tables


def rows(batch: str, numbers: list[int]) -> pa.Table:
    return pa.table({"x": numbers, "__perennial_batch": [batch] * len(numbers)})


def test_tables_are_kept_in_a_bucket(bucket: str) -> None:
    uri = settings({"PERENNIAL_TABLES_URI": f"{bucket}/"}).tables_uri
    tables = Tables(uri)
    assert tables.where("shop", "accepted") == f"{bucket}/shop/accepted", "no double slash"
    assert tables.version("shop", "accepted") is None
    tables.append("shop", "accepted", rows("a", [1, 2]), "a")
    first = tables.append("shop", "accepted", rows("b", [3]), "b")
    assert tables.append("shop", "accepted", rows("b", [3]), "b") == first, "asked twice, written once"
    tables.sweep("shop", "accepted", "a")
    assert tables.batches("shop", "accepted") == {"b": 1}


def test_a_piece_of_a_landed_file_is_typed_within_the_bucket(bucket: str, tmp_path: Path) -> None:
    files, file = Bucket(bucket, tmp_path), io.BytesIO()
    pq.write_table(pa.table({"n": ["7", "8", "x", "9"]}), file, row_group_size=1)
    files.put("landing/shop/batch.parquet", file.getvalue())
    landed = Landed(bucket, "landing/shop/batch.parquet")
    piece = Piece(landed, (1, 2), "typed/shop/1.parquet", Reading({"n": "number"}, "UTC"))
    for _ in range(2):
        assert typed_piece(piece).rows == 2
        typed = pq.ParquetFile(files.opened("typed/shop/1.parquet")).read().to_pydict()
        assert typed == {"0": [8.0, None], "1": [None, "x"], "2": [None, None], "3": [None, None]}
