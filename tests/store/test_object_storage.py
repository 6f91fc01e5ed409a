"""Tables on object storage that speaks S3: the same code, credentials from the environment."""

from __future__ import annotations

import pyarrow as pa

from perennial.settings import settings
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
