"""Help that lists commands in groups, by what a reader wants to do."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from typer.core import TyperGroup


class InGroups(TyperGroup):
    """A group of commands whose help has one section per `rich_help_panel`, in the order of registration."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of registration."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        widest = max(len(name) for name in self.commands)
        for name, command in self.commands.items():
            panel = str(getattr(command, "rich_help_panel", "") or "Commands")
            summary = " ".join(cleandoc(command.help or "").partition("\n\n")[0].split())
            sections.setdefault(panel, []).append((name.ljust(widest), summary))
        for heading, lines in sections.items():
            with formatter.section(heading):
                formatter.write_dl(lines)
