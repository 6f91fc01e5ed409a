"""The release policies by name. Looking a name up imports nothing; a policy is loaded when it is needed.

Other people's packages add theirs under the entry-point group `perennial.policies`: the name there is what a
declaration says as `release.policy`, the object a `perennial.evaluation.policies.policy.ReleasePolicy`.
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
    """No policy of that name is here or in an installed package."""

    code = "policy-unknown"


def load_policy(name: str) -> ReleasePolicy:
    """The policy of that name, ours or an installed package's. Raises UnknownPolicy with what may be meant."""
    from perennial.evaluation.policies.policy import ReleasePolicy

    if not REGISTERED.has(name):
        raise UnknownPolicy(f"unknown policy '{name}'\n  {REGISTERED.hint(name)}")
    policy = REGISTERED.load(name)
    if not isinstance(policy, ReleasePolicy) or policy.name != name:
        raise UnknownPolicy(
            f"policy '{name}': the entry point {REGISTERED.place(name)} is not a ReleasePolicy of that name\n"
            f"  make it a perennial.evaluation.policies.policy.ReleasePolicy with name='{name}'"
        )
    return policy
