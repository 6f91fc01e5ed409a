"""The release policies by name. Looking a name up imports no numpy: a policy is loaded when it decides."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from perennial.errors import InputError

if TYPE_CHECKING:
    from perennial.evaluation.policies.case import Case, Ruling

POLICIES: tuple[str, ...] = (
    "balanced",
    "five_percent_a_year",
    "strict",
    "newest_unless_worse",
    "blend",
    "blend_learned",
    "hold",
)


class UnknownPolicy(InputError):
    """No policy of that name."""

    code = "policy-unknown"


def load_policy(name: str) -> Callable[[Case], Ruling]:
    """The function that rules by the policy of that name. Raises UnknownPolicy."""
    if name not in POLICIES:
        raise UnknownPolicy(f"unknown policy '{name}'\n  Known policies: {', '.join(POLICIES)}")
    found: Callable[[Case], Ruling] = import_module(f"perennial.evaluation.policies.{name}").decide
    return found
