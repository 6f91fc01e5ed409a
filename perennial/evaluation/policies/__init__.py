"""The release policies by name. Looking up a name imports nothing: a policy is loaded when it is needed.

Other packages register theirs under the entry-point group `perennial.policies`: the name is the one that declarations
use in `release.policy`, the object a `perennial.evaluation.policies.policy.ReleasePolicy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.registered import Registered

if TYPE_CHECKING:
    from perennial.evaluation.policies.policy import ReleasePolicy

_HERE = "perennial.evaluation.policies"

REGISTERED = Registered(
    "policies",
    "perennial.policies",
    {
        "balanced": f"{_HERE}.balanced:POLICY",
        "five_percent_a_year": f"{_HERE}.five_percent_a_year:POLICY",
        "strict": f"{_HERE}.strict:POLICY",
        "newest_unless_worse": f"{_HERE}.newest_unless_worse:POLICY",
        "blend": f"{_HERE}.blend:POLICY",
        "blend_learned": f"{_HERE}.blend_learned:POLICY",
        "hold": f"{_HERE}.hold:POLICY",
    },
)

POLICIES: tuple[str, ...] = tuple(REGISTERED.ours)


class UnknownPolicy(InputError):
    """There is no policy with that name, neither built in nor in an installed package."""

    code = "policy-unknown"


def load_policy(name: str) -> ReleasePolicy:
    """The policy with that name, built in or from an installed package. Raises UnknownPolicy with a suggestion."""
    from perennial.evaluation.policies.policy import ReleasePolicy

    if not REGISTERED.has(name):
        raise UnknownPolicy(f"unknown policy '{name}'\n  {REGISTERED.hint(name)}")
    policy = REGISTERED.load(name)
    if not isinstance(policy, ReleasePolicy) or policy.name != name:
        raise UnknownPolicy(
            f"policy '{name}': the entry point {REGISTERED.place(name)} is not a ReleasePolicy with that name\n"
            f"  make it a perennial.evaluation.policies.policy.ReleasePolicy with name='{name}'"
        )
    return policy
