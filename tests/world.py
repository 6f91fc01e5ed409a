"""A small use case that behaves like a real one: months of dated rows, made afresh for each test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

DECLARATION: dict[str, Any] = {
    "name": "shop",
    "source": {"kind": "files", "path": "shop", "batch": "file"},
    "schema": {"key": ["order"], "time": "at", "target": "returned", "task": "binary", "label_known_after": "1d"},
    "features": {"numeric": ["price", "weight"], "categorical": ["carrier"]},
    "clock": "replay",
    "checks": [{"expect_column_values_to_be_between": {"column": "price", "min_value": 0, "max_value": 500}}],
    "model": {
        "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "params": {"max_iter": 15, "max_leaf_nodes": 7, "early_stopping": False},
    },
    "evaluation": {"primary": "log_loss", "also": ["brier", "roc_auc"]},
    "triggers": {"on_new_batch": True, "on_drift": True},
}


@dataclass
class World:
    """A folder of use cases with the one named `shop`; each month is a CSV file, which is a batch."""

    usecases: Path
    rows_a_day: int = 40
    declaration: dict[str, Any] = field(default_factory=lambda: yaml.safe_load(yaml.safe_dump(DECLARATION)))

    def declare(self, **changes: Any) -> World:
        """Write the declaration, with whole sections replaced."""
        self.declaration.update(changes)
        self.usecases.mkdir(parents=True, exist_ok=True)
        (self.usecases / "shop.yaml").write_text(yaml.safe_dump(self.declaration, sort_keys=False))
        (self.usecases / "shop").mkdir(exist_ok=True)
        return self

    def month(self, name: str, **how: Any) -> pd.DataFrame:
        """Write a month's file and return its rows; `how` as in `month_of_rows`."""
        rows = month_of_rows(name, rows_a_day=self.rows_a_day, **how)
        rows.to_csv(self.usecases / "shop" / f"{name}.csv", index=False)
        return rows


def copied(of: Path, to: Path) -> None:
    """Copy the home and the use cases of a folder into another one."""
    for name in ("home", "usecases"):
        shutil.copytree(of / name, to / name)


def month_of_rows(
    name: str, *, rows_a_day: int, flipped: bool = False, new_carrier: float = 0.0, seed: int = 0
) -> pd.DataFrame:
    """Orders of a month whose return depends on price and carrier.

    flipped: the concept is turned round. new_carrier: share of rows with a carrier that no other month has.
    """
    days = pd.date_range(f"{name}-01", periods=pd.Period(name).days_in_month, freq="D", tz="UTC")
    n = len(days) * rows_a_day
    draw = np.random.default_rng([seed, *map(ord, name)])
    price = draw.gamma(2.0, 40.0, n).clip(1, 480).round(2)
    weight = draw.normal(2.0, 0.5, n).round(3)
    carrier = draw.choice(["post", "van", "bike"], n, p=[0.5, 0.3, 0.2])
    day = np.repeat(np.arange(len(days)), rows_a_day)
    weather = draw.normal(0.0, 0.3, len(days))[day]
    score = 0.025 * (price - 80) + np.where(carrier == "bike", 1.2, -0.3) + weather
    chance = 1 / (1 + np.exp(-(-score if flipped else score)))
    if new_carrier:
        carrier = np.where(draw.random(n) < new_carrier, "drone", carrier)
    return pd.DataFrame(
        {
            "order": [f"{name}-{i:05d}" for i in range(n)],
            "at": (days[day] + pd.to_timedelta(draw.integers(0, 86_400, n), unit="s")).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "price": price,
            "weight": weight,
            "carrier": carrier,
            "returned": (draw.random(n) < chance).astype(int),
        }
    )
