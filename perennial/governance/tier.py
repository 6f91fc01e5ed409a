"""What the declared risk tier requires of a release, and what of it is not there.

`minimal` requires nothing. `limited` requires that the dossier lacks nothing that people have to state, and that every
risk's measure exists. `high` requires that too, stages, groups of persons whose treatment is compared, and the approval
of each release by two persons.
"""

from __future__ import annotations

from perennial.errors import HeldBack
from perennial.governance.dossier import dossier_of
from perennial.governance.records import records_of
from perennial.ledger.entries import Decision
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import Declaration

TWO_PERSONS = "two persons approve each release"


def lacking(ledger: Ledger, declaration: Declaration) -> list[str]:
    """What a release still needs under the declared tier, each in words with the field to write."""
    stands = declaration.governance
    if stands.risk not in ("limited", "high"):
        return []
    made = dossier_of(records_of(ledger, declaration))
    lacks = [f"{gap.name.lower()} ({gap.field})" for gap in made.gaps if gap.field]
    lacks += [f"a measure of the risk '{each.risk}' ({each.measure} is gone)" for each in made.gone]
    if stands.risk == "high":
        lacks += [] if declaration.release.stages else ["stages (release.stages)"]
        compared = stands.protected or stands.bias.no_groups
        lacks += [] if compared else ["groups of persons (governance.protected or governance.bias.no_groups)"]
        lacks += [] if len(stands.approvers) > 1 else ["two roles that approve (governance.approvers)"]
    return lacks


def required(ledger: Ledger, declaration: Declaration) -> list[str]:
    """For what a decision is held that would release a model: what is lacking, and under `high` two approvals."""
    always = [TWO_PERSONS] if declaration.governance.risk == "high" else []
    return [*lacking(ledger, declaration), *always]


def lacked(decision: Decision) -> list[str]:
    """What was lacking when a decision was held for it, as far as the declaration can state it."""
    return [each for each in decision.held_for or () if each != TWO_PERSONS]


def refuse_lacking(ledger: Ledger, declaration: Declaration) -> None:
    """Raise HeldBack while something is lacking. Nothing is released before."""
    lacks = lacking(ledger, declaration)
    if lacks:
        raise HeldBack(
            f"{declaration.name}: risk tier {declaration.governance.risk} requires {'; '.join(lacks)}. Nothing was "
            "approved",
            code="tier-lacks",
            field="governance",
            fix="Write what is missing into the declaration, then approve again.",
        )
