"""The memory of the machine, and what its container allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.machine_memory import usable_memory
from perennial.settings import settings

MACHINE = usable_memory(Path("/nowhere"))


def file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("groups", "limits", "memory"),
    [
        ("0::/app\n", {"app/memory.max": "max\n", "memory.max": "5242880\n"}, 5242880),
        ("0::/pod/app\n", {"pod/memory.max": "4096\n", "pod/app/memory.max": "8192\n"}, 4096),
        ("0::/of/the/host\n", {"memory.max": "4096\n"}, 4096),
        ("3:cpu:/a\n2:memory:/a\n", {"memory/a/memory.limit_in_bytes": "4096\n"}, 4096),
        ("2:memory:/a\n", {"memory/a/memory.limit_in_bytes": f"{2**63 - 4096}\n"}, MACHINE),
        ("0::/\n", {}, MACHINE),
    ],
)
def test_a_container_may_use_what_its_control_groups_allow(
    groups: str, limits: dict[str, str], memory: int, tmp_path: Path
) -> None:
    file(tmp_path / "proc/self/cgroup", groups)
    for name, limit in limits.items():
        file(tmp_path / "sys/fs/cgroup" / name, limit)
    assert usable_memory(tmp_path) == memory


def test_half_of_it_is_used_by_default() -> None:
    assert settings({}).memory == usable_memory() // 2
