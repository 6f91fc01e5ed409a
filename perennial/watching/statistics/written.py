"""Grids and counts as they are stored, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.watching.statistics.counts import Counts, Moments
from perennial.watching.statistics.grid import CategoryGrid, Grid, NumberGrid

if TYPE_CHECKING:
    import pyarrow as pa

_DETAILS = b"perennial"


def written_grids(grids: Mapping[str, Grid]) -> dict[str, Any]:
    """As JSON values."""
    return {name: written_grid(grid) for name, grid in grids.items()}


def written_grid(grid: Grid) -> dict[str, Any]:
    """As JSON values."""
    if isinstance(grid, NumberGrid):
        return {"low": grid.low, "step": grid.step, "starts": list(grid.starts)}
    return {"named": list(grid.named)}


def read_grids(stored: Mapping[str, Any]) -> dict[str, Grid]:
    """From JSON values. Raises KeyError for others."""
    return {name: read_grid(each) for name, each in stored.items()}


def read_grid(stored: Mapping[str, Any]) -> Grid:
    """From JSON values. Raises KeyError for others."""
    if "named" in stored:
        return CategoryGrid(tuple(stored["named"]))
    return NumberGrid(stored["low"], stored["step"], tuple(stored["starts"]))


def counts_table(features: Mapping[str, Counts]) -> pa.Table:
    """One row per feature and day: `feature`, `day` (a date), `counts` (rows in each bin, missing values last)."""
    import pyarrow as pa

    names = [name for name, each in features.items() for _ in each.days]
    flat = [each.counts.ravel() for each in features.values()]
    widths = [each.counts.shape[1] for each in features.values() for _ in each.days]
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int32)
    days = np.concatenate([each.days for each in features.values()]) if features else np.empty(0)
    details = {name: _details(each) for name, each in features.items()}
    table = pa.table(
        {
            "feature": pa.array(names, pa.string()).dictionary_encode(),
            "day": pa.array(days.astype(np.int32), pa.date32()),
            "counts": pa.ListArray.from_arrays(offsets, np.concatenate(flat) if flat else np.empty(0, dtype=np.int64)),
        }
    )
    return table.replace_schema_metadata({_DETAILS: json.dumps(details, allow_nan=False)})


def _details(counts: Counts) -> dict[str, Any]:
    width, moments = counts.counts.shape[1], counts.moments
    numbers = [moments.n, moments.mean, moments.squares, moments.least, moments.most]
    known = moments.n > 0 and bool(np.isfinite(numbers).all())
    return {"bins": width, "moments": numbers if known else None, "others": dict(counts.others)}


def read_counts(table: pa.Table) -> dict[str, Counts]:
    """From a table as of `counts_table`. Raises KeyError or ValueError for others."""
    details = json.loads((table.schema.metadata or {})[_DETAILS])
    flat = table["counts"].combine_chunks().flatten().to_numpy()
    days = table["day"].cast("int32").to_numpy().astype(np.int64)
    rows = table["feature"].value_counts().to_pylist()
    many = {each["values"]: each["counts"] for each in rows}
    features, row, place = {}, 0, 0
    for name, each in details.items():
        size, width = many.get(name, 0), each["bins"]
        counts = flat[place : place + size * width].reshape(size, width)
        moments = Moments(int(each["moments"][0]), *each["moments"][1:]) if each["moments"] else Moments()
        features[name] = Counts(days[row : row + size], counts, moments, each["others"])
        row, place = row + size, place + size * width
    return features
