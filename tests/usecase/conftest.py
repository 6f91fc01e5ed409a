"""A declaration on disk that a test can spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.reading import load_use_case

SHOP = """\
name: shop
source: {kind: files, path: orders, batch: month}
schema:
  key: [order]
  time: placed
  target: returned
  task: binary
  timezone: Europe/Berlin
  types: {note: text}
features:
  numeric: [price, weight]
  categorical: [country]
  derived: ["shop.py:is_heavy"]
  never: [refund]
checks:
  - {expect_column_values_to_be_between: {column: price, min_value: 0}, severity: critical}
  - expect_column_values_to_not_be_null: {column: country}
model:
  estimator: sklearn.linear_model.LogisticRegression
  params: {C: 0.5}
evaluation:
  guards: {roc_auc: {margin: 0.01}}
triggers: {schedule: "0 6 2 * *"}
"""
FUNCTIONS = "def is_heavy(rows):\n    return rows['weight'] > 5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the use case `shop`, which is right."""
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "shop.py").write_text(FUNCTIONS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def mistakes(folder: Path) -> Callable[..., list[Mistake]]:
    """The mistakes reported for `shop` once some of its text has been replaced."""

    def told(*changes: tuple[str, str]) -> list[Mistake]:
        text = SHOP
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "shop.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(DeclarationError) as caught:
            load_use_case("shop", folder)
        return list(caught.value.mistakes)

    return told
