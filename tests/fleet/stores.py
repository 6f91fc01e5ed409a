"""A template with small members: some months of rows for each store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

TEMPLATE: Mapping[str, Any] = {
    "name": "sales",
    "source": {"kind": "files", "path": "data/{store}", "batch": "file"},
    "schema": {"key": ["id"], "time": "at", "target": "sold", "task": "regression", "label_known_after": "1h"},
    "features": {"numeric": ["price"], "categorical": ["kind"]},
    "clock": "replay",
    "model": {"estimator": "sklearn.linear_model.Ridge"},
    "evaluation": {"primary": "rmse", "cluster_by": "day"},
}


def month_of_store(
    folder: Path, store: str, month: str, *, slope: float = 2.0, kinds: tuple[str, ...] = ("p",)
) -> Path:
    """Write eighty rows of a month of a store, one every six hours; return the file."""
    draw = np.random.default_rng([*map(ord, store + month)])
    at = pd.date_range(f"{month}-01", periods=80, freq="6h")
    price = draw.normal(size=80)
    rows = pd.DataFrame(
        {
            "id": [f"{month}-{i}" for i in range(80)],
            "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "price": price,
            "kind": draw.choice(kinds, 80),
            "sold": slope * price + draw.normal(size=80),
        }
    )
    file = folder / "data" / store / f"{month}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(file, index=False)
    return file


def write_template(folder: Path, stores: list[str], **fields: Any) -> None:
    """Write the template `sales` for these stores, with whole sections replaced."""
    content = {**TEMPLATE, "for_each": {"store": stores}, **fields}
    (folder / "sales.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def break_stores(folder: Path, months: list[str]) -> dict[str, Any]:
    """Break five stores in five ways, each named after its own; return what stands under `members` for them."""
    data = folder / "data"
    (data / "unreadable" / f"{months[-1]}.csv").write_bytes(b"\x00\xff not a table")
    file = data / "column" / f"{months[-1]}.csv"
    file.write_text(pd.read_csv(file).drop(columns="price").to_csv(index=False))
    for month in months:
        file = data / "few" / f"{month}.csv"
        file.write_text(pd.read_csv(file).head(3).to_csv(index=False))
    return {
        "code": {"model": {"estimator": "sklearn.linear_model.Ridge", "params": {"solver": "none"}}},
        "expectation": {
            "checks": [
                {"expect_column_mean_to_be_between": {"column": "price", "min_value": 5}, "severity": "critical"}
            ]
        },
    }
