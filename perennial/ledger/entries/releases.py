"""Releases, and the alias that mirrors them."""

from __future__ import annotations

from typing import Literal

from perennial.evaluation.results import left_out_if_none
from perennial.ledger.entries.decisions import Reference
from perennial.ledger.entries.entry import Entry, Recorded
from perennial.ledger.entries.training import ModelRef, Served, versions_in_words


class PlannedStage(Entry):
    """A stage before `full`. share: of the keys that the candidate answers, 0 in a shadow. days: how long at least."""

    kind: Literal["shadow", "canary"]
    share: float
    days: float


class Candidate(Entry):
    """A model that a decision releases in stages, beside the models that are live.

    mixture: what was evaluated in place of the model alone, if that is to be live; left out otherwise.
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
    mixture: tuple[Served, ...] | None = None

    _without_none = left_out_if_none("mixture")

    @property
    def serves(self) -> tuple[Served, ...]:
        """The models that predict as the candidate, with their weights."""
        return self.mixture or (Served(model=self.model, challenger=self.challenger, weight=1.0),)

    @property
    def versions(self) -> str:
        """In words: `version 4`, or `the mixture of version 4 (50 %) and version 3 (50 %)`."""
        words = versions_in_words(self.serves)
        return words if len(self.serves) == 1 else f"the mixture of {words}"

    @property
    def stage(self) -> PlannedStage:
        """The stage it is in."""
        return self.stages[self.at]

    @property
    def salt(self) -> str:
        """Chooses the keys of a share: other ones for each candidate, and more of the same ones as the share grows."""
        return self.decision


class Release(Recorded):
    """The models that are live from now on: what was evaluated and, under a blending policy, the newest refit.

    Key: `release_no`; the process that inserts it first makes the release. reference is that of what was evaluated,
    snapshot and digests are the champion's.
    tested: how many of `serves`, from the first, were evaluated together, as a mixture; None: the first one alone.
    kind: `stage` begins a candidate's first or next stage and `abort` ends its stages; both leave the live models.
    cause: the episode that rolled back automatically. candidate: the model in a stage. look: the look at the evidence
    of a stage that led to this. live_since: since when the live models are live if this release left them, as a
    rollback does that only takes a candidate away. by: the person who rolled back, None if nobody was named. Each is
    None otherwise, and then left out of the row.
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
    tested: int | None = None
    by: str | None = None

    @property
    def key(self) -> str:
        return str(self.release_no)

    _without_none = left_out_if_none("cause", "candidate", "look", "live_since", "tested", "by")

    @property
    def for_the_next(self) -> Release:
        """A copy without what belongs to one release alone, from which one that keeps its models is made."""
        own = ("decision", "restores", "cause", "by", "look", "live_since")
        return self.model_copy(update=dict.fromkeys(own))

    @property
    def champion(self) -> Served:
        """The tested model that was trained last; alone, or with others in `evaluated`."""
        return self.serves[0]

    @property
    def evaluated(self) -> tuple[Served, ...]:
        """The models that were evaluated together, which challengers are compared with; their weights add up to 1."""
        whole = 1 - (self.refit.weight if self.refit is not None else 0)
        tested = self.serves[: self.tested or 1]
        return tuple(each.model_copy(update={"weight": each.weight / whole}) for each in tested)

    @property
    def refit(self) -> Served | None:
        """The newest refit, which has not been evaluated, if it is live beside what was."""
        return next(iter(self.serves[self.tested or 1 :]), None)

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
        return versions_in_words(self.serves)

    @property
    def are_live(self) -> str:
        """The same as a clause: `version 3 is live`, or `version 3 (50 %) and version 4 (50 %) are live`."""
        return f"{self.versions} {'is' if len(self.serves) == 1 else 'are'} live"


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
