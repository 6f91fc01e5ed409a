"""Releases, and the alias that mirrors them."""

from __future__ import annotations

from typing import Literal

from perennial.evaluation.figures import percent
from perennial.ledger.entries.decisions import Reference
from perennial.ledger.entries.entry import Entry, Recorded, left_out_if_none
from perennial.ledger.entries.training import ModelRef


class Served(Entry):
    """One model of a release and its weight in the mean of predictions; the weights of a release add up to 1."""

    model: ModelRef
    challenger: str
    weight: float


class PlannedStage(Entry):
    """A stage before `full`. share: of the keys that the candidate answers, 0 in a shadow. days: how long at least."""

    kind: Literal["shadow", "canary"]
    share: float
    days: float


class Candidate(Entry):
    """A model that a decision releases in stages, beside the models that are live.

    at: the stage it is in, a position in `stages`. since: the beginning of that stage. Its keys are those whose keyed
    hash, with the decision as the salt, is below the stage's share (see `perennial.identity.arm_position`).
    """

    model: ModelRef
    challenger: str
    decision: str
    features_digest: str
    stages: tuple[PlannedStage, ...]
    feedback: Literal["none", "labels", "outcome"]
    at: int
    since: str

    @property
    def stage(self) -> PlannedStage:
        """The stage it is in."""
        return self.stages[self.at]

    @property
    def salt(self) -> str:
        """Chooses the keys of a share: other ones for each candidate, and more of the same ones as the share grows."""
        return self.decision


class Release(Recorded):
    """The models that are live from now on: the tested champion and, under a blending policy, the newest refit.

    Key: `release_no`; the process that inserts it first makes the release. reference, snapshot and digests are the
    champion's.
    kind: `stage` begins a candidate's first or next stage and `abort` ends its stages; both leave the live models.
    cause: the episode that rolled back automatically. candidate: the model in a stage. look: the look at the evidence
    of a stage that led to this. live_since: since when the live models are live if this release left them, as a
    rollback does that only takes a candidate away. Each is None otherwise, and then left out of the row.
    """

    release_no: int
    kind: Literal["first", "release", "rollback", "blend", "stage", "abort"]
    serves: tuple[Served, ...]
    stage: Literal["shadow", "canary", "full"]
    as_of: str
    reason: str
    decision: str | None
    restores: int | None
    reference: Reference
    snapshot: str
    features_digest: str
    declaration_digest: str
    cause: str | None = None
    candidate: Candidate | None = None
    look: str | None = None
    live_since: str | None = None

    @property
    def key(self) -> str:
        return str(self.release_no)

    _without_none = left_out_if_none("cause", "candidate", "look", "live_since")

    @property
    def champion(self) -> Served:
        """The tested model, which challengers are compared with."""
        return self.serves[0]

    @property
    def refit(self) -> Served | None:
        """The newest refit, which has not been evaluated, if it is live beside the champion."""
        return self.serves[1] if len(self.serves) > 1 else None

    @property
    def since(self) -> str:
        """Since when the live models are live."""
        return self.live_since or self.as_of

    @property
    def leaves_models(self) -> bool:
        """Whether the live models are those of the release before it: in a stage, and when its candidate leaves."""
        return self.kind in ("stage", "abort") or (self.kind == "rollback" and self.live_since is not None)

    @property
    def versions(self) -> str:
        """The live models in words: `version 3`, or `version 3 (50 %) and version 4 (50 %)`."""
        if self.refit is None:
            return f"version {self.champion.model.version}"
        return " and ".join(f"version {each.model.version} ({percent(each.weight)})" for each in self.serves)


class AliasMoved(Recorded):
    """MLflow's alias was moved outside Perennial. Key: `number`, counted up; its `AliasPutBack` follows."""

    number: int
    at: str
    found: int | None
    release_no: int

    @property
    def key(self) -> str:
        return str(self.number)


class AliasPutBack(Recorded):
    """The alias points to the live version again. Key: that of the move."""

    number: int
    at: str
    restored: int

    @property
    def key(self) -> str:
        return str(self.number)


class ReleasesFrozen(Recorded):
    """From now on nothing is released until a person resumes. Key: the episode that caused it, so it freezes once."""

    episode: str
    as_of: str
    batch: str
    detail: str

    @property
    def key(self) -> str:
        return self.episode


class ReleasesResumed(Recorded):
    """A person's end of a freeze. Key: the freeze's. as_of: by the use case's clock."""

    episode: str
    by: str
    reason: str
    as_of: str

    @property
    def key(self) -> str:
        return self.episode


class RollbackNotPossible(Recorded):
    """An episode was to roll back, and why that could not be done. Key: the episode's."""

    episode: str
    as_of: str
    why: str

    @property
    def key(self) -> str:
        return self.episode
