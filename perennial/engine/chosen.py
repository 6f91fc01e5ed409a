"""The engine that the settings choose."""

from __future__ import annotations

from perennial.engine.dask import Dask
from perennial.engine.engine import Engine
from perennial.engine.local import LOCAL
from perennial.settings import Settings


def engine_of(where: Settings) -> Engine:
    """Nothing is connected yet."""
    return LOCAL if where.dask_scheduler is None else Dask(where.dask_scheduler)
