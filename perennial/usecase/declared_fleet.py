"""What a template declares about all of its members together."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from perennial.usecase.spelling import Duration, Frozen, Share


class FleetReleases(Frozen):
    """Error control over the decisions of the members that one run takes together."""

    fdr: Share = Field(
        gt=0,
        le=0.5,
        description="of the gains that are proven in one run, the share that is accepted on average to be none: 5%",
    )


class FleetBudget(Frozen):
    """What one run may spend on the refits of all members."""

    compute: Duration = Field(
        gt=timedelta(0),
        description="time of the fits in one run, by what each took last time: 20m; others wait for a later run",
    )


class FleetRules(Frozen):
    """What holds for the members of a template together."""

    releases: FleetReleases | None = Field(
        None, description="`{fdr: 5%}`: the members that are decided in one run are tested together"
    )
    budget: FleetBudget | None = Field(
        None, description="`{compute: 20m}`: which refits come first, and how many, if there is no time for all"
    )
