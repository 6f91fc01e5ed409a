"""What several use cases have in common: one line instead of one for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from perennial.evaluation.figures import counted
from perennial.fleet.standing import Alarm, Standing

_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Cause:
    """What is the matter with these use cases, since which batch; None before the first."""

    what: str
    batch: str | None
    usecases: tuple[str, ...]

    def __str__(self) -> str:
        since = f" in {self.batch}" if self.batch else ""
        return f"{counted(len(self.usecases), 'use case', 'use cases')}: {self.what}{since}"


def common_causes(listed: Iterable[Standing]) -> list[Cause]:
    """The causes that at least two use cases share, the most frequent first."""
    having: dict[tuple[str, str | None], list[str]] = {}
    for each in listed:
        for cause in dict.fromkeys(_causes(each)):
            having.setdefault(cause, []).append(each.usecase)
    shared = [Cause(*cause, tuple(sorted(names))) for cause, names in having.items() if len(names) > 1]
    return sorted(shared, key=lambda cause: (-len(cause.usecases), cause.batch or "", cause.what))


def _causes(each: Standing) -> Iterator[tuple[str, str | None]]:
    """What is the matter with one use case, each with its batch, without the numbers in which others differ."""
    for alarm in each.alarms:
        yield from ((what, alarm.batch) for what in _of_alarm(alarm))
    if each.state == "failed":
        yield f"failed: {_NUMBER.sub('…', each.why.partition(': ')[2])}", each.batch
    if each.state == "broken":
        yield f"declaration: {each.why}", None
    for held in each.held:
        yield f"held: {_NUMBER.sub('…', '; '.join(held.because))}", held.window
    for file in each.held_labels:
        yield f"label file held: {_NUMBER.sub('…', '; '.join(file.because))}", file.file
    if each.state == "blocked":
        yield "a guard blocked the release", each.batch


def _of_alarm(alarm: Alarm) -> Sequence[str]:
    return [f"new value '{value}' of {column}" for column, value in alarm.new_values] or [f"{alarm.channel} alarm"]
