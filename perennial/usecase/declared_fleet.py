"""What a template declares about all of its members together."""

from __future__ import annotations

from pydantic import Field

from perennial.usecase.spelling import Frozen, Share


class FleetReleases(Frozen):
    """Error control over the decisions of the members that one run takes together."""

    fdr: Share = Field(
        gt=0,
        le=0.5,
        description="of the gains that are proven in one run, the share that is accepted on average to be none: 5%",
    )


class FleetRules(Frozen):
    """What holds for the members of a template together."""

    releases: FleetReleases | None = Field(
        None, description="`{fdr: 5%}`: the members that are decided in one run are tested together"
    )
