"""The release rules that `init` writes. Fields that a declaration leaves out keep their meaning."""

from __future__ import annotations

from perennial.evaluation.policies import load_policy
from perennial.usecase.declaration import ReleaseRules

WRITTEN = {"policy": "balanced", "serve": "mixture", "judge": "{newest: 15d}"}
"""Field → value as written in YAML. benchmarks/README.md has the table of years that it follows from."""
UNWRITTEN = {"serve": "single", "judge": "next_batch"}
"""What the fields mean where they are left out, as they did before `init` wrote them."""


def left_out(rules: ReleaseRules) -> list[str]:
    """The fields that a declaration leaves out and `init` writes with another value than they then have.

    >>> left_out(ReleaseRules(serve="single"))
    ['release.judge: next_batch (init writes {newest: 15d})']
    """
    absent = [name for name in UNWRITTEN if name not in rules.model_fields_set]
    if load_policy(rules.policy).mixes:  # its refit is live before anything evaluates it
        absent = [name for name in absent if name != "judge"]
    return [f"release.{name}: {UNWRITTEN[name]} (init writes {WRITTEN[name]})" for name in absent]
