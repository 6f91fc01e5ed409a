"""Great Expectations, imported without noise: no analytics, no progress bars, no log lines on the screen."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from types import ModuleType

ONE_AT_A_TIME = threading.Lock()
"""Held while a context is in use: Great Expectations keeps the current project in one place for the whole process."""


def great_expectations() -> ModuleType:
    """The library, imported on first use (it takes seconds) with its analytics off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
    logger = logging.getLogger("great_expectations")
    if logger.propagate:
        # Some of its loggers set their own level, so what they say is stopped here instead of filtered.
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return gx
