"""Saves Great Expectations from hashing every value of a batch for a fingerprint that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_fingerprint() -> Iterator[None]:
    """Within it, the markers of a pandas batch have an empty fingerprint.

    In 1.24, the fingerprint is made twice per run, which takes a sixth of the validation of a large batch. No two
    threads may be in it at once: hold `quiet.ONE_AT_A_TIME`.
    """
    from great_expectations.execution_engine import pandas_execution_engine

    engine: Any = pandas_execution_engine
    hashed = engine.hash_pandas_dataframe
    engine.hash_pandas_dataframe = lambda _: ""
    try:
        yield
    finally:
        engine.hash_pandas_dataframe = hashed
