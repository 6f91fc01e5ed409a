"""Mistakes in the meaning of `governance`: approvers who can never approve, groups that cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from perennial.usecase.document import Document
from perennial.usecase.mistakes import Mistake
from perennial.usecase.rules_of_bias import bias_rules, has_gate

MIXING = ("blend", "blend_learned")


def governance_rules(document: Document, folder: Path) -> Iterator[Mistake]:
    """Every mistake in the meaning of `governance`. folder: the folder of the declaration."""
    roles = {
        str(role): [name for name in names if isinstance(name, str) and name.strip()]
        for role, names in document.mapping("governance", "approvers").items()
        if isinstance(names, list)
    }
    for role, names in roles.items():
        if not names:
            yield document.mistake(
                ("governance", "approvers", role),
                "nobody may approve in this role, so nothing could be released",
                f"name the persons: {role}: [anna]",
                code="approvers-none",
            )
    if all(roles.values()) and roles and not _each_another(roles):
        yield document.mistake(
            ("governance", "approvers"),
            "each role needs another person, and there are too few persons for that",
            "name more persons, or fewer roles",
            code="approvers-too-few",
        )
    policy, tier = document.text("release", "policy"), document.text("governance", "risk")
    if roles and policy != "hold" and tier not in ("limited", "high") and not has_gate(document):
        yield document.mistake(
            ("governance", "approvers"),
            f"nothing waits for their approval under policy '{policy or 'balanced'}'",
            "write release.policy: hold or governance.risk: limited or high, name protected groups, or remove them",
            code="approvers-unused",
        )
    if tier == "high" and policy in MIXING:
        yield document.mistake(
            ("governance", "risk"),
            f"is high, but policy '{policy}' makes models live without a decision, so nobody could approve them",
            "use policy balanced or hold, or another tier",
            code="tier-blend",
        )
    yield from bias_rules(document, folder)


def _each_another(roles: Mapping[str, Sequence[str]]) -> bool:
    """Whether every role can have another person: a matching by augmenting paths (Kuhn 1955)."""
    holds: dict[str, str] = {}

    def assign(role: str, tried: set[str]) -> bool:
        for name in roles[role]:
            if name not in tried:
                tried.add(name)
                if name not in holds or assign(holds[name], tried):
                    holds[name] = role
                    return True
        return False

    return all(assign(role, set()) for role in roles)
