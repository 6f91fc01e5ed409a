"""Time the validation of a typed Parquet batch, with values read as they are and by way of their texts, in one run.

The batch has 1,000,000 rows and 14 columns: a key, times of five kinds, floats, decimals, texts, truth values.
Validation is what a cycle does between the landed bytes and the table: reading, content digest, copies, Great
Expectations with the built-in and five declared checks, the split, and the accepted rows as an Arrow table. "Bare" is
the same code, but every column is written as text and read back, as a CSV's would be.

    python benchmarks/typed_values.py
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from side_by_side import HEAD, in_turns

from data_checks.split import raw_rows, split
from data_checks.validation import validate
from perennial.intake.copies import copies_in
from perennial.intake.frames import accepted_table
from perennial.intake.naming import content_digest
from perennial.intake.typed import typed_batch
from perennial.sources import typed_column
from perennial.sources.window import Window
from perennial.usecase.columns import column_types, read_options
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import load_use_case

AFTER = datetime(2024, 2, 2, tzinfo=UTC)
DECLARATION = """
name: shop
source: {kind: files, path: data}
schema:
  key: [order]
  time: at
  target: late
  task: binary
  timezone: America/New_York
  types: {order: integer, seen: timestamp, day: timestamp, known: timestamp, paid: timestamp}
features: {numeric: [f0, f1, f2, price, members], categorical: [shop, carrier]}
model: {estimator: sklearn.linear_model.LogisticRegression}
checks:
  - {expect_column_values_to_be_between: {column: price, min_value: 0, max_value: 100000}, severity: critical}
  - {expect_column_values_to_be_between: {column: f0, min_value: -10, max_value: 10}, severity: critical}
  - {expect_column_values_to_be_between: {column: f1, min_value: -4, max_value: 4}, severity: critical}
  - {expect_column_values_to_not_be_null: {column: f2, mostly: 0.9}, severity: warning}
  - {expect_column_values_to_not_be_null: {column: shop}, severity: critical}
"""


def batch(rows: int) -> bytes:
    """A Parquet file as pandas, Spark and databases write them."""
    rng = np.random.default_rng(0)
    at = np.datetime64("2024-01-01", "us") + rng.integers(0, 31 * 86_400 * 10**6, rows).astype("timedelta64[us]")
    floats = {f"f{i}": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(size=rows)) for i in range(3)}
    prices = pa.array(rng.integers(1, 10**5, rows)).cast(pa.decimal128(23, 4))
    columns: dict[str, Any] = {
        "order": np.arange(rows) + 10**15,
        "at": pa.array(at).cast(pa.timestamp("us", "UTC")),
        "seen": pa.array(at.astype("datetime64[ns]")),
        "day": at.astype("datetime64[D]"),
        "known": pa.array(at.astype("datetime64[ms]")).cast(pa.timestamp("ms", "UTC")),
        "paid": pa.array(at, pa.timestamp("us")),
        **{name: pa.array(values, from_pandas=True) for name, values in floats.items()},
        "price": prices.cast(pa.decimal128(18, 4)),
        "shop": pa.array(rng.choice([f"shop {i}" for i in range(50)], rows)),
        "carrier": pa.array(rng.choice([f"carrier {i}" for i in range(16)], rows)).dictionary_encode(),
        "members": rng.integers(0, 2, rows).astype(bool),
        "late": rng.integers(0, 2, rows).astype("int32"),
    }
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def validated(data: bytes, declaration: Declaration) -> tuple[str, int]:
    """Validate; return the content's digest and the number of rows set aside."""
    parsed = typed_batch(declaration, data, ".parquet")
    key = declaration.schema_.key
    digest = content_digest(parsed, key)
    copies = copies_in(lambda: data, ".parquet", parsed, key, read_options(declaration))
    found = validate(parsed, declaration, as_of=AFTER, window=Window(None, None, "2024-01"), copies=copies)
    assert not found.held, found.held_because
    good, bad = split(parsed.frame, raw_rows(parsed, sorted(found.set_aside)), found.set_aside)
    accepted_table(good, declaration, column_types(declaration), "batch", AFTER)
    return digest, len(bad)


def by_text(function: Callable[[], Any]) -> Any:
    """A function's result when no value is read as its type."""
    with patch.object(typed_column, "already_typed", lambda *_: None):
        return function()


def main() -> None:
    """Print the table of benchmarks/README.md."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    given = arguments.parse_args()
    data = batch(given.rows)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.yaml").write_text(DECLARATION)
        declaration = load_use_case("shop", Path(folder)).declaration
    whole = partial(validated, data, declaration)
    assert whole() == by_text(whole)
    reading = partial(typed_batch, declaration, data, ".parquet")
    print(HEAD)
    for name, side in (("reading the bytes", reading), ("validating, all of it", whole)):
        print(in_turns(side, partial(by_text, side), given.runs).row(f"{name}, {given.rows:,} rows"), flush=True)


if __name__ == "__main__":
    main()
