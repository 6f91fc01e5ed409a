"""How far each of several addresses has come, in a file of the home, which has no address: some hold secrets.

For going on and for people: nothing is proven by it, and what is lost is found out again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from perennial.identity import short_id
from perennial.whole_file import write_whole

State = TypeVar("State")


def read_states(file: Path, kind: type[State]) -> dict[str, State]:
    """The states in a file by `short_id` of their address. kind: their dataclass.

    Empty if there is no file, or it is not one of these: its content is never relied on.
    """
    try:
        return {key: kind(**state) for key, state in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_states(file: Path, states: Mapping[str, Any]) -> None:
    """Write the states, which are dataclasses, by their addresses."""
    file.parent.mkdir(exist_ok=True)
    content = {short_id(address): asdict(state) for address, state in states.items()}
    write_whole(file, json.dumps(content, indent=1) + "\n")
