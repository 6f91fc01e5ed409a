"""How much memory a process may use: what the machine has, or what its container allows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath


@cache
def usable_memory(root: Path = Path("/")) -> int:
    """Bytes: the smallest of the machine's memory and the limits of this process's control groups.

    Looked up once per process, since settings are read often. root: where `proc` and `sys` are.
    Limits of version 1 and 2 are read; one that cannot be read does not count.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for group in groups:
        _, controllers, place = group.split(":", 2)
        if not controllers:
            folder, file = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            folder, file = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        for each in (PurePosixPath(place), *PurePosixPath(place).parents):
            try:
                limit = (folder / str(each).lstrip("/") / file).read_text().strip()
            except OSError:  # in a container, the path may be that of the host
                continue
            if limit.isdecimal():  # version 2 writes "max" where there is no limit
                yield int(limit)
