"""How many threads a fit or a prediction may use. A server and a worker run at the same time, and threads that wait for
a busy core cost several times what they save, so the limit is deliberate: `PERENNIAL_THREADS`, 1 by default."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from perennial.settings import allowed_threads

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def bounded_threads() -> Iterator[None]:
    """Limit the threads of BLAS and OpenMP inside the block to what this process allows."""
    with _libraries(len(sys.modules), next(reversed(sys.modules))).limit(limits=allowed_threads()):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int, newest: str) -> ThreadpoolController:
    """The loaded libraries of BLAS and OpenMP, looked for again once a module was imported, which may bring one."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
