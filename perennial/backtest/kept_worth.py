"""The newest answer to whether retraining is worth it, kept beside the predictions that it rests on, for the page."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from perennial.whole_file import write_whole

log = logging.getLogger("perennial.backtest")

NAME = "worth.json"


class Growth(BaseModel):
    """By how much a model costs more with each day of age, with its 95 % interval.

    unit: of the cost. a_row: per row that is predicted; otherwise for all rows of a month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str
    a_row: bool
    a_day: float
    low: float
    high: float


class KeptWorth(BaseModel):
    """on: the batches and the unit, in a sentence. answer: sentences. schedules: each with its cost and interval.

    growth: None if it has no interval.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: str
    answer: tuple[str, ...]
    schedules: tuple[tuple[str, str, str], ...]
    growth: Growth | None = None


def keep_worth(folder: Path, made: KeptWorth) -> None:
    """Leave it in the folder of a use case's backtests. Raises OSError where it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / NAME, made.model_dump_json())


def kept_worth(folder: Path) -> KeptWorth | None:
    """What was kept last; None if nothing was, or another version wrote it."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return KeptWorth.model_validate_json(path.read_bytes())
    except ValidationError as problem:
        log.warning("%s was written by another version and is not shown: measure it again (%s)", path, problem)
        return None
