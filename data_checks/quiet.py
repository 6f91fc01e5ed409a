"""Imports Great Expectations quietly: no analytics, no progress bars, no log lines on the terminal."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from types import ModuleType

ONE_AT_A_TIME = threading.Lock()
"""Held while a context is in use, because Great Expectations has one current project per process."""


def great_expectations() -> ModuleType:
    """The library, imported on first use (it takes seconds) with its analytics off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
    logger = logging.getLogger("great_expectations")
    if logger.propagate:
        # Some of its loggers set their own level, so their records are stopped here instead of filtered.
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return gx
