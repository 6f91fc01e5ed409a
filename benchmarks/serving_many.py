"""What one worker of the scoring service costs that serves many use cases, beside workers with fewer of them.

    python benchmarks/serving_many.py [--usecases 1 50 500] [--rounds 3] [--seconds 4] [--trees 200]

Each use case loads a model. Measured are the time until all are ready, the memory, and the CPU while nobody asks (the
service follows the ledger). Then one use case of each service is asked, over 8 kept-alive connections, the services
taking turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import (
    Server,
    cpu_seconds,
    in_turns,
    made,
    options,
    perennial_serve,
    ranged,
    released,
    stop,
    use_cases,
)
from benchmarks.serving_scorers import month

IDLE_SECONDS = 10


def start(usecases: int, trees: int, home: Path) -> tuple[Server, list[str]]:
    """A service, and the cells of what its start and its idling cost."""
    names = [f"flights{place}" for place in range(usecases)]
    env = use_cases(home, names)
    digest, *_ = made(home, 1, trees, month("1"))
    for name in names:
        released(home, 1, digest, usecase=name)
    begun = time.perf_counter()
    server = perennial_serve(env, names[-1])
    took, cpu = time.perf_counter() - begun, cpu_seconds(server.process.pid)
    time.sleep(IDLE_SECONDS)
    idle = (cpu_seconds(server.process.pid) - cpu) / IDLE_SECONDS
    return server, [f"{usecases}", f"{took:.1f}", f"{cpu:.1f}", f"{idle:.1%}"]


def main(sizes: list[int], rounds: int, seconds: float, trees: int, home: Path) -> None:
    started: list[tuple[Server, list[str]]] = []
    try:
        for size in sizes:
            started.append(start(size, trees, home / str(size)))
        loads = in_turns([server for server, _ in started], rounds, seconds)
    finally:
        for server, _ in started:
            stop(server)
    print(
        "| use cases | ready after, s | CPU until then, s | CPU when idle | memory, MB | request, µs of CPU | ratio |"
    )
    print("|---:|---:|---:|---:|---:|---|---|")
    for (_, cost), each in zip(started, loads, strict=True):
        ratios = [one.cpu / first.cpu for one, first in zip(each, loads[0], strict=True)]
        shown = [*cost, f"{each[-1].memory:.0f}", ranged([one.cpu for one in each]), ranged(ratios, ".2f")]
        print("| " + " | ".join(shown) + " |")


if __name__ == "__main__":
    parser = options(rounds=3)
    parser.add_argument("--usecases", type=int, nargs="+", default=[1, 50, 500])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(asked.usecases, asked.rounds, asked.seconds, asked.trees, Path(folder))
