"""What `perennial up` notes in the home about itself: its process, its ports, its parts. Others read it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from perennial.processes.process_group import alive
from perennial.settings import Settings
from perennial.whole_file import write_whole


@dataclass(frozen=True)
class PartRecord:
    """A part: its state, its pid (None while it does not run), how often it was started again."""

    state: str
    pid: int | None
    restarts: int


@dataclass(frozen=True)
class UpRecord:
    """The content of `up.json`. created: when the process was made, because pids are reused."""

    pid: int
    created: float
    ports: dict[str, int]
    addresses: dict[str, str]
    parts: dict[str, PartRecord] = field(default_factory=dict)

    @staticmethod
    def place(where: Settings) -> Path:
        return where.home / "up.json"

    @classmethod
    def read(cls, where: Settings) -> UpRecord | None:
        """The record of the newest `perennial up`; None if there is none or it is damaged."""
        try:
            raw = json.loads(cls.place(where).read_text())
            return cls(**{**raw, "parts": {name: PartRecord(**part) for name, part in raw["parts"].items()}})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, where: Settings) -> None:
        write_whole(self.place(where), json.dumps(asdict(self), indent=1))

    @property
    def runs(self) -> bool:
        """Whether its process is alive."""
        return alive(self.pid, self.created)

    @property
    def is_ready(self) -> bool:
        """Whether every part was ready when it was written."""
        return bool(self.parts) and all(part.state == "ready" for part in self.parts.values())
