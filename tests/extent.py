"""How much of a long search a run of the tests makes: `make test` a part of it, `make test-all` all."""

from __future__ import annotations

import os

ALL = bool(os.environ.get("PERENNIAL_TEST_ALL"))


def part_of(number: int) -> int:
    """A quarter of the examples of a search, at least two; all of them if everything is tested."""
    return number if ALL else max(number // 4, 2)
