"""Measure two implementations in turns in one run. Their ratio is comparable between machines."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """Seconds of both sides in every run: wall clock, and CPU time of this process."""

    ours: tuple[float, ...]
    bare: tuple[float, ...]
    ours_cpu: tuple[float, ...]
    bare_cpu: tuple[float, ...]

    def row(self, name: str) -> str:
        """A row of a markdown table: medians, and the ratio of each pair as median and range."""
        wall = [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)]
        cpu = [ours / bare for ours, bare in zip(self.ours_cpu, self.bare_cpu, strict=True)]
        return (
            f"| {name} | {len(wall)} | {statistics.median(self.bare):.3f} | {statistics.median(self.ours):.3f} "
            f"| {_spread(wall)} | {_spread(cpu)} |"
        )


HEAD = "| what | runs | bare, s | ours, s | ratio (range) | ratio of CPU (range) |\n|---|---:|---:|---:|---|---|"


def in_turns(ours: Callable[[], Any], bare: Callable[[], Any], runs: int) -> Ratio:
    """Run each side once to warm up, then A B, B A, A B …, so that other load affects both equally."""
    ours(), bare()
    seconds: dict[str, list[float]] = {"ours": [], "bare": [], "ours_cpu": [], "bare_cpu": []}
    for number in range(runs):
        sides = [("ours", ours), ("bare", bare)]
        for name, side in sides if number % 2 else reversed(sides):
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            seconds[name].append(time.perf_counter() - wall)
            seconds[f"{name}_cpu"].append(time.process_time() - cpu)
    return Ratio(**{name: tuple(values) for name, values in seconds.items()})


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
