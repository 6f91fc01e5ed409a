"""What a template declares about its members together."""

from __future__ import annotations

from pydantic import Field

from perennial.usecase.spelling import Frozen


class FleetReleases(Frozen):
    """How the decisions of one fleet run are ruled together."""

    fdr: float | None = Field(
        None,
        gt=0,
        le=0.5,
        description="share of releases that may be needless: the members that are decided on the same batch are ruled "
        "together by Benjamini and Hochberg; by default each is ruled alone",
    )


class FleetRules(Frozen):
    """What applies to all members of a template together."""

    releases: FleetReleases = Field(FleetReleases(), description="error control over simultaneous decisions")
