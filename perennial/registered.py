"""What a declaration may name: ours by one line in a table, other people's by an entry point of their package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Registered:
    """Things of one kind by name. Nothing is imported before it is loaded.

    what: of what kind, in the plural. group: the entry-point group that other packages add theirs under.
    ours: name → `module:object`.
    """

    what: str
    group: str
    ours: Mapping[str, str]

    def names(self) -> tuple[str, ...]:
        """Ours in the order of the table, then those of installed packages."""
        return (*self.ours, *(name for name in self.installed() if name not in self.ours))

    def installed(self) -> list[str]:
        """The names that installed packages add, in alphabetical order."""
        from importlib.metadata import entry_points

        return sorted({entry.name for entry in entry_points(group=self.group)})

    def installed_places(self) -> list[str]:
        """Where the objects of installed packages are, as `module:object`."""
        from importlib.metadata import entry_points

        return sorted({entry.value for entry in entry_points(group=self.group)})

    def has(self, name: str) -> bool:
        """Whether something of that name is registered."""
        return name in self.ours or name in self.installed()

    def load(self, name: str) -> Any:
        """The object of that name. Raises KeyError where nothing is registered under it."""
        if name in self.ours:
            from importlib import import_module

            module, _, attribute = self.ours[name].partition(":")
            return getattr(import_module(module), attribute)
        from importlib.metadata import entry_points

        for entry in entry_points(group=self.group, name=name):
            return entry.load()
        raise KeyError(name)

    def place(self, name: str) -> str:
        """Where the object of that name is, as `module:object`. Raises KeyError."""
        from importlib.metadata import entry_points

        return self.ours.get(name) or next(entry.value for entry in entry_points(group=self.group, name=name))

    def hint(self, name: str) -> str:
        """How to fix a name that is not registered: the one that was likely meant, and those there are."""
        from difflib import get_close_matches

        near = get_close_matches(name, self.names(), n=1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        return f"{meant}Known {self.what}: {', '.join(self.names())}"


ESTIMATORS = Registered("estimators", "perennial.estimators", {})
"""Estimators of installed packages by a short name: `model.estimator`. All others are written as import paths."""

CHANNELS = Registered(
    "channels",
    "perennial.channels",
    {
        "level": "perennial.watching.channels.level:CHANNEL",
        "unseen": "perennial.watching.channels.unseen:CHANNEL",
    },
)
"""Ways to watch a champion: `watch.channels`."""
