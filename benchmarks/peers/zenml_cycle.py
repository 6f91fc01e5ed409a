"""The bare cycle as a ZenML pipeline on its local stack, beside the bare script in the same process and environment.

python benchmarks/peers/zenml_cycle.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

TEMPORARY = tempfile.TemporaryDirectory()
os.environ |= {
    "ZENML_CONFIG_PATH": TEMPORARY.name,
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_LOGGING_VERBOSITY": "ERROR",
}

from zenml import pipeline, step  # noqa: E402 - reads the variables above

sys.path.insert(0, str(Path(__file__).parent))

from months import compare, fit, month_by_month, read_month  # noqa: E402


@step(enable_cache=False)
def read_step(folder: str, month: str) -> str:
    read_month(Path(folder), month)
    return month


@step(enable_cache=False)
def compare_step(folder: str, month: str) -> str:
    compare(Path(folder), month)
    return month


@step(enable_cache=False)
def fit_step(folder: str, month: str) -> str:
    fit(Path(folder), month)
    return month


@pipeline(enable_cache=False)
def cycle(folder: str, month: str) -> None:
    """The steps of a cycle, one after the other."""
    fit_step(folder, compare_step(folder, read_step(folder, month)))


if __name__ == "__main__":
    month_by_month(Path(TEMPORARY.name), lambda folder, month: cycle(str(folder), month))
    TEMPORARY.cleanup()
