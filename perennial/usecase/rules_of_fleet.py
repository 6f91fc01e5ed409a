"""Mistakes in what a member of a template declares beside what holds for all members together."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.declared_fleet import FleetRules
from perennial.usecase.document import Document, Place
from perennial.usecase.mistakes import Mistake


def fleet_rules(document: Document, fleet: FleetRules) -> Iterator[Mistake]:
    """What cannot be decided together with other members, in the declaration of one of them."""
    if fleet.releases is None:
        return
    from perennial.evaluation.policies import REGISTERED, load_policy

    name = document.text("release", "policy") or ReleaseRules().policy
    if REGISTERED.has(name) and not (policy := load_policy(name)).in_families:
        why = (
            "has its own budget for the year"
            if policy.a_year is not None
            else "lets a model in that was not tested"
            if policy.mixes
            else "does not prove a gain at the level that it is given"
        )
        yield _refused(document, ("release", "policy"), f"'{name}' {why}", "use balanced or hold")
    if document.at("release", "patience") is not None:
        yield _refused(document, ("release", "patience"), "several looks at a challenger share its 5 %", "remove it")
    if document.at("release", "judge") not in (None, "next_batch"):
        why = "a challenger that the newest days evaluate is decided right after its training, before the others"
        yield _refused(document, ("release", "judge"), why, "remove it")
    if document.text("release", "serve") not in (None, "single"):
        why = "a mixture is tested twice, against what is live and against the challenger alone"
        yield _refused(document, ("release", "serve"), why, "write serve: single")


def _refused(document: Document, place: Place, why: str, fix: str) -> Mistake:
    message = f"does not combine with fleet.releases of the template: {why}"
    return document.mistake(place, message, f"{fix}, or remove fleet.releases", code="fleet-releases")
