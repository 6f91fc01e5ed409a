"""What a caller may do: look, or act as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["read", "act"]
ROLES: tuple[Role, ...] = get_args(Role)
KnownBy = Literal["key", "proxy"]


@dataclass(frozen=True)
class Grant:
    """Who is let in, by which name, and with which role. known_by: what names the person; None if nothing does."""

    name: str
    role: Role
    known_by: KnownBy | None = None

    @property
    def may_act(self) -> bool:
        return self.role == "act"


ANYONE = Grant("anyone", "act")
"""Every caller, where neither keys nor a proxy are configured."""
