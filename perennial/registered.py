"""What a declaration may name: built-in objects by a line in a table, those of other packages by an entry point."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True)
class Registered:
    """Objects of one kind by name. Nothing is imported before it is loaded.

    what: the kind, in the plural. group: the entry-point group under which other packages register theirs.
    ours: name → `module:object`.
    """

    what: str
    group: str
    ours: Mapping[str, str]

    def names(self) -> tuple[str, ...]:
        """The built-in names in the order of the table, then those of installed packages."""
        return (*self.ours, *(name for name in self.installed() if name not in self.ours))

    def installed(self) -> list[str]:
        """The names that installed packages register, in alphabetical order."""
        return sorted({entry.name for entry in installed_entries(self.group)})

    def installed_places(self) -> list[str]:
        """The locations of objects from installed packages, as `module:object`."""
        return sorted({entry.value for entry in installed_entries(self.group)})

    def has(self, name: str) -> bool:
        """Whether an object with that name is registered."""
        return name in self.ours or name in self.installed()

    def load(self, name: str) -> Any:
        """The object with that name. Raises KeyError if none is registered."""
        if name in self.ours:
            from importlib import import_module

            module, _, attribute = self.ours[name].partition(":")
            return getattr(import_module(module), attribute)
        for entry in installed_entries(self.group):
            if entry.name == name:
                return entry.load()
        raise KeyError(name)

    def place(self, name: str) -> str:
        """The location of the object with that name, as `module:object`. Raises KeyError."""
        named = (entry.value for entry in installed_entries(self.group) if entry.name == name)
        return self.ours.get(name) or next(named)

    def hint(self, name: str) -> str:
        """How to fix a name that is not registered: a suggestion, and the known names."""
        from difflib import get_close_matches

        near = get_close_matches(name, self.names(), n=1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        return f"{meant}Known {self.what}: {', '.join(self.names())}"


def installed_entries(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group. A process looks once for each search path, since that reads every package."""
    return _entries(group, tuple(sys.path))


@lru_cache(maxsize=128)
def _entries(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


ESTIMATORS = Registered("estimators", "perennial.estimators", {})
"""Estimators of installed packages by a short name, for `model.estimator`. All others are given as import paths."""

CHANNELS = Registered(
    "channels",
    "perennial.channels",
    {
        "gap": "perennial.watching.channels.gap:CHANNEL",
        "level": "perennial.watching.channels.level:CHANNEL",
        "unseen": "perennial.watching.channels.unseen:CHANNEL",
        "contract": "perennial.watching.channels.contract:CHANNEL",
        "features": "perennial.watching.channels.features:CHANNEL",
        "predictions": "perennial.watching.channels.predictions:CHANNEL",
        "estimated_loss": "perennial.watching.channels.estimated_loss:CHANNEL",
        "calibration": "perennial.watching.channels.calibration:CHANNEL",
        "business": "perennial.watching.channels.business:CHANNEL",
        "age": "perennial.watching.channels.age:CHANNEL",
        "multivariate": "perennial.watching.channels.multivariate:CHANNEL",
        "skew": "perennial.watching.channels.skew:CHANNEL",
    },
)
"""Ways to watch a champion: `watch.channels`."""
