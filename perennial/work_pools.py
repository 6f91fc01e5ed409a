"""Work pools of Prefect by the size of their machines: a declaration names a size, and this site a pool for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perennial.errors import InputError

SIZE = r"[a-z][a-z0-9_]{0,62}"
_POOL = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,98}"


@dataclass(frozen=True)
class WorkPool:
    """A work pool and the size by which declarations ask for it."""

    size: str
    name: str


def read_pools(text: str) -> tuple[WorkPool, ...]:
    """The pools of `big=trainers, huge=gpu-trainers`. Raises InputError.

    >>> read_pools("big=trainers")
    (WorkPool(size='big', name='trainers'),)
    """
    pools: dict[str, WorkPool] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        named = re.fullmatch(rf"({SIZE})=({_POOL})", part)
        if named is None or named[1] in pools:
            problem = "names a size twice" if named else "is not a size with its work pool"
            raise InputError(
                f"PERENNIAL_POOLS: {part!r} {problem}\n"
                "  Write size=pool, several separated by commas: big=trainers,huge=gpu-trainers."
            )
        pools[named[1]] = WorkPool(named[1], named[2])
    return tuple(pools.values())


def pool_for(size: str | None, pools: Sequence[WorkPool], field: str) -> WorkPool | None:
    """The pool for a size; None if none is asked for, or this site has no pools at all: then one process does it all.

    field: of the declaration, which asks for it. Raises InputError for a size without a pool although others have one.
    """
    if size is None or not pools:
        return None
    for pool in pools:
        if pool.size == size:
            return pool
    known = ", ".join(pool.size for pool in pools)
    raise InputError(
        f"no work pool has the size '{size}'",
        code="pool-none",
        field=field,
        value=size,
        fix=f"Add {size}=POOL to PERENNIAL_POOLS, or declare one of its sizes: {known}.",
    )
