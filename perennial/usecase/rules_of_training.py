"""Mistakes in how rows are chosen for a training."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.usecase.document import Document
from perennial.usecase.mistakes import Mistake


def training_rules(document: Document) -> Iterator[Mistake]:
    """A sample without the half-life that it needs, or that counts the age of rows twice."""
    sample = document.mapping("model", "sample")
    by_age = sample.get("by") == "time_decay"
    if by_age and sample.get("half_life") is None:
        yield document.mistake(
            ("model", "sample", "by"),
            "'time_decay' needs a half-life",
            "add half_life, for example half_life: 180d",
            code="sample-half-life",
        )
    if not by_age and sample.get("half_life") is not None:
        yield document.mistake(
            ("model", "sample", "half_life"),
            f"'{sample['half_life']}' has no effect on a uniform sample",
            "write by: time_decay, or remove half_life",
            code="sample-uniform",
        )
    window = document.at("model", "window")
    windows = window if isinstance(window, list) else [window]
    if by_age and any(isinstance(each, dict) and "decay" in each for each in windows):
        yield document.mistake(
            ("model", "sample", "by"),
            "'time_decay' beside a window that decays would count the age of a row twice",
            "write by: uniform, or another window",
            code="sample-decays-twice",
        )
