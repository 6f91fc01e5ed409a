"""Loads frames into Great Expectations, whose context of a process is made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from data_checks.quiet import great_expectations

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.datasource.fluent.interfaces import Batch


@contextmanager
def loaded(frame: pd.DataFrame) -> Iterator[Batch]:
    """Within it, a frame as a batch. No two threads may be in it at once: hold `quiet.ONE_AT_A_TIME`.

    A context and its asset take longer to make than thirty checks on a thousand rows, since 1.24 writes its
    configuration as YAML after each step. The engine, which holds the frame, is left behind.
    """
    definition = _whole_frame()
    datasource: Any = definition.data_asset.datasource
    try:
        yield definition.get_batch({"dataframe": frame})
    finally:
        datasource._execution_engine = None


@lru_cache(maxsize=1)
def _whole_frame() -> BatchDefinition[Any]:
    context = great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("all")
