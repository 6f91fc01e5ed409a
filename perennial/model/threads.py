"""How many threads a fit or a prediction may use. A server and a worker run at the same time, and threads that wait for
a busy core cost several times what they save, so the limit is deliberate: `PERENNIAL_THREADS`, 1 by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perennial.settings import allowed_threads


@contextmanager
def bounded_threads() -> Iterator[None]:
    """Limit the threads of BLAS and OpenMP inside the block to what this process allows."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=allowed_threads()):
        yield
